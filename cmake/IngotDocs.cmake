# SPDX-License-Identifier: MIT
# The code in docs/*.md is compiled and run: a page's C++ blocks are the test `docs.<page>`, its commands (```sh run)
# `docs.<page>.commands`. tools/docs_code says how blocks are marked.
function(ingot_docs)
    find_package(Python3 COMPONENTS Interpreter)
    if(NOT TARGET ingot OR INGOT_PARTS OR NOT Python3_FOUND)
        return()
    endif()
    set(tool ${PROJECT_SOURCE_DIR}/tools/docs_code)
    file(GLOB pages CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/docs/*.md)
    foreach(page IN LISTS pages)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
        cmake_path(GET page STEM name)
        set(scratch ${PROJECT_BINARY_DIR}/docs/run/${name})
        file(STRINGS ${page} code REGEX "^```cpp( new| top)?$")
        file(STRINGS ${page} commands REGEX "^```sh run$")
        if(code)
            set(program ${PROJECT_BINARY_DIR}/docs/${name}.cpp)
            add_custom_command(OUTPUT ${program} COMMAND ${Python3_EXECUTABLE} ${tool} cpp ${page} > ${program}
                WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} DEPENDS ${PROJECT_SOURCE_DIR}/${page} ${tool} VERBATIM)
            add_executable(docs_${name} ${program})
            target_compile_options(docs_${name} PRIVATE -Wall -Wextra -Wno-unused $<$<BOOL:${INGOT_WERROR}>:-Werror>)
            target_link_libraries(docs_${name} PRIVATE Ingot::ingot)
            set_target_properties(docs_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/docs)
            add_test(NAME docs.${name} COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:docs_${name}> -DSCRATCH=${scratch}
                        -P ${PROJECT_SOURCE_DIR}/cmake/run_in_empty_folder.cmake)
            set_tests_properties(docs.${name} PROPERTIES TIMEOUT 120 ENVIRONMENT OMP_WAIT_POLICY=passive)
        endif()
        if(commands AND TARGET ingot_command)
            add_test(NAME docs.${name}.commands
                COMMAND ${CMAKE_COMMAND} -DPAGE=${page} -DTOOL=${tool} -DPYTHON=${Python3_EXECUTABLE}
                        -DSOURCE=${PROJECT_SOURCE_DIR} -DBUILD=${PROJECT_BINARY_DIR} -DSCRATCH=${scratch}.commands
                        -P ${PROJECT_SOURCE_DIR}/cmake/run_docs_commands.cmake)
            set_tests_properties(docs.${name}.commands PROPERTIES TIMEOUT 300)
        endif()
    endforeach()
endfunction()
