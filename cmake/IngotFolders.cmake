# SPDX-License-Identifier: MIT
# Turns folders into targets: src/<folder> -> OBJECT library ingot_<folder>, all of them -> ingot, src/cli -> the command,
# tests/<folder> -> test_<folder>, bench/<name>.cpp -> bench_<name>, examples/<name>/main.cpp -> example_<name>,
# fuzz/<name>.cpp and fuzz/io/<name>.cpp -> fuzz_<name>.

# Our own compile settings, for one of our own targets.
function(ingot_settings target)
    target_compile_options(${target} PRIVATE ${INGOT_COMPILE_OPTIONS})
    target_compile_definitions(${target} PRIVATE ${INGOT_COMPILE_DEFINITIONS} INGOT_VERSION="${PROJECT_VERSION}")
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
endfunction()

# ingot_folder(<folder> [OPTIONS ...] [DEFINITIONS ...] [LINK ...]): the OBJECT library of src/<folder>. A folder without
# sources is skipped.
function(ingot_folder folder)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "OPTIONS;DEFINITIONS;LINK")
    if(INGOT_PARTS AND NOT folder IN_LIST INGOT_PARTS)
        return()
    endif()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.cpp)
    if(NOT sources)
        return()
    endif()
    string(REPLACE "/" "_" target ingot_${folder})
    add_library(${target} OBJECT ${sources})
    ingot_settings(${target})
    target_compile_options(${target} PRIVATE ${arg_OPTIONS})
    target_compile_definitions(${target} PRIVATE ${arg_DEFINITIONS})
    target_link_libraries(${target} PRIVATE ${arg_LINK})
    set_property(GLOBAL APPEND PROPERTY INGOT_OBJECTS $<TARGET_OBJECTS:${target}>)
    set_property(GLOBAL APPEND PROPERTY INGOT_LINK ${arg_LINK})
endfunction()

# The library itself, from every folder declared so far.
function(ingot_library)
    get_property(objects GLOBAL PROPERTY INGOT_OBJECTS)
    get_property(link GLOBAL PROPERTY INGOT_LINK)
    list(REMOVE_DUPLICATES link)
    list(REMOVE_ITEM link nlohmann_json::nlohmann_json) # headers only, nothing to link
    if(NOT objects)
        message(WARNING "no sources in src/: nothing to build")
        return()
    endif()
    add_library(ingot ${objects})
    add_library(Ingot::ingot ALIAS ingot)
    target_compile_features(ingot PUBLIC cxx_std_20)
    target_include_directories(ingot PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                            $<INSTALL_INTERFACE:include>)
    target_link_libraries(ingot PRIVATE ${link} ${INGOT_LINK_LIBS})
    set_target_properties(ingot PROPERTIES LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endfunction()

# The command: src/cli/main.cpp is its own; the other files are a library, so that tests can call them.
function(ingot_command)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.cpp)
    if(NOT TARGET ingot OR NOT sources OR (INGOT_PARTS AND NOT cli IN_LIST INGOT_PARTS))
        return()
    endif()
    find_package(CLI11 REQUIRED)
    set(main ${PROJECT_SOURCE_DIR}/src/cli/main.cpp)
    list(REMOVE_ITEM sources ${main})
    if(sources)
        add_library(ingot_cli_files STATIC ${sources})
        ingot_settings(ingot_cli_files)
        target_link_libraries(ingot_cli_files PUBLIC ingot CLI11::CLI11 nlohmann_json::nlohmann_json)
    endif()
    add_executable(ingot_command ${main})
    ingot_settings(ingot_command)
    set_target_properties(ingot_command PROPERTIES OUTPUT_NAME ingot RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    target_link_libraries(ingot_command PRIVATE $<TARGET_NAME_IF_EXISTS:ingot_cli_files> ingot CLI11::CLI11
                                                nlohmann_json::nlohmann_json)
endfunction()

# Examples run without arguments, in seconds, in a scratch folder: each is a test `examples.<name>` as well (tools/run_examples
# runs them with --full). They return 0 when their numbers are right and print "SKIPPED: reason" when something is not there.
function(ingot_examples)
    file(GLOB mains CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*/main.cpp)
    if(NOT TARGET ingot OR INGOT_PARTS)
        return()
    endif()
    foreach(main IN LISTS mains)
        cmake_path(GET main PARENT_PATH folder)
        cmake_path(GET folder FILENAME name)
        add_executable(example_${name} ${main})
        target_compile_options(example_${name} PRIVATE -Wall -Wextra $<$<BOOL:${INGOT_WERROR}>:-Werror>)
        target_link_libraries(example_${name} PRIVATE Ingot::ingot) # exactly what a user's program gets
        set_target_properties(example_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples
            OUTPUT_NAME ${name})
        if(INGOT_BUILD_TESTS)
            set(scratch ${PROJECT_BINARY_DIR}/examples/run/${name})
            file(MAKE_DIRECTORY ${scratch})
            file(GLOB scripts CONFIGURE_DEPENDS ${folder}/*.py) # what the program calls lies beside it
            foreach(script IN LISTS scripts)
                configure_file(${script} ${scratch} COPYONLY)
            endforeach()
            add_test(NAME examples.${name} COMMAND example_${name} WORKING_DIRECTORY ${scratch})
            set_tests_properties(examples.${name} PROPERTIES TIMEOUT 300 SKIP_REGULAR_EXPRESSION "SKIPPED: "
                ENVIRONMENT OMP_WAIT_POLICY=passive)
        endif()
    endforeach()
endfunction()

# tests/<folder>/*.cpp -> test_<folder>, its cases `<folder>.<Suite>.<Test>`. tests/support/*.cpp is linked into all of them.
# Suites whose names contain "Speed" run while nothing else does. The others share the processors with each other, where threads
# that spin while they wait (libgomp's way) cost ten times the work; so these sleep.
function(ingot_tests)
    if(NOT TARGET ingot)
        return()
    endif()
    find_package(GTest REQUIRED)
    include(GoogleTest)
    file(GLOB_RECURSE sources RELATIVE ${PROJECT_SOURCE_DIR}/tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*.cpp)
    list(FILTER sources EXCLUDE REGEX "^install/")
    set(support ${sources})
    list(FILTER support INCLUDE REGEX "^support/")
    list(FILTER sources EXCLUDE REGEX "^support/")
    if(support)
        list(TRANSFORM support PREPEND ${PROJECT_SOURCE_DIR}/tests/)
        add_library(ingot_test_support STATIC ${support})
        ingot_settings(ingot_test_support)
        target_include_directories(ingot_test_support PRIVATE ${PROJECT_SOURCE_DIR}/tests)
        target_compile_definitions(ingot_test_support PRIVATE INGOT_COMMAND="${PROJECT_BINARY_DIR}/ingot")
        target_link_libraries(ingot_test_support PUBLIC ingot GTest::gtest nlohmann_json::nlohmann_json)
    endif()
    foreach(source IN LISTS sources)
        cmake_path(GET source PARENT_PATH folder)
        list(APPEND folders ${folder})
        list(APPEND "sources_${folder}" ${PROJECT_SOURCE_DIR}/tests/${source})
    endforeach()
    list(REMOVE_DUPLICATES folders)
    foreach(folder IN LISTS folders)
        if(INGOT_PARTS AND NOT folder IN_LIST INGOT_PARTS)
            continue()
        endif()
        string(REPLACE "/" "_" name ${folder})
        set(target test_${name})
        add_executable(${target} ${sources_${folder}})
        ingot_settings(${target})
        target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
        target_compile_definitions(${target} PRIVATE INGOT_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests"
            INGOT_COMMAND="${PROJECT_BINARY_DIR}/ingot")
        target_link_libraries(${target} PRIVATE $<TARGET_NAME_IF_EXISTS:ingot_test_support> ingot GTest::gtest_main
                                                GTest::gtest nlohmann_json::nlohmann_json ${INGOT_LINK_LIBS})
        if(folder STREQUAL "cpu") # kernels and the oneDNN wrapper are tested directly
            target_compile_definitions(${target} PRIVATE ${INGOT_ONEDNN_DEFINITIONS})
            target_link_libraries(${target} PRIVATE ${INGOT_CPU_LIBS})
        elseif(folder MATCHES "^(io|data|train|cli|contract)$") # tests write archives and images with the libraries that read them
            target_link_libraries(${target} PRIVATE ${INGOT_IO_LIBS})
        endif()
        if(folder MATCHES "^(cli|contract)$" AND TARGET ingot_command)
            add_dependencies(${target} ingot_command)
        endif()
        if(folder STREQUAL "cli")
            target_link_libraries(${target} PRIVATE $<TARGET_NAME_IF_EXISTS:ingot_cli_files>)
        endif()
        gtest_discover_tests(${target} TEST_PREFIX "${name}." NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST
            DISCOVERY_TIMEOUT 60 TEST_FILTER "-*Speed*" TEST_LIST ${target}_tests WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
            PROPERTIES TIMEOUT 600 ENVIRONMENT OMP_WAIT_POLICY=passive)
        gtest_discover_tests(${target} TEST_PREFIX "${name}." NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST
            DISCOVERY_TIMEOUT 60 TEST_FILTER "*Speed*" TEST_LIST ${target}_speed_tests WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
            PROPERTIES TIMEOUT 600 RUN_SERIAL ON)
    endforeach()
endfunction()

# Each file in bench/ is one program.
function(ingot_benchmarks)
    find_package(benchmark QUIET)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.cpp)
    if(NOT TARGET ingot OR INGOT_PARTS)
        return()
    endif()
    if(NOT benchmark_FOUND)
        message(STATUS "Google Benchmark not found: bench/ is not built")
        return()
    endif()
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM name)
        add_executable(bench_${name} ${source})
        ingot_settings(bench_${name})
        target_link_libraries(bench_${name} PRIVATE ingot benchmark::benchmark_main benchmark::benchmark
                                                    ${INGOT_LINK_LIBS})
        set_target_properties(bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench
            OUTPUT_NAME ${name})
    endforeach()
endfunction()

# Each file in fuzz/ is one libFuzzer target, but for seeds*.cpp, which write the first inputs with the tests' helpers. Those in
# fuzz/io/ are built from the folders up to io only: seconds instead of the whole library.
function(ingot_fuzz_targets)
    if(NOT INGOT_SANITIZE STREQUAL "fuzzer" OR NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "INGOT_BUILD_FUZZ needs clang and INGOT_SANITIZE=fuzzer (cmake --preset fuzz)")
    endif()
    find_package(GTest REQUIRED)
    # Static: only what is used is linked, and with it what lies below io.
    add_library(ingot_fuzz_io STATIC $<TARGET_OBJECTS:ingot_base> $<TARGET_OBJECTS:ingot_core> $<TARGET_OBJECTS:ingot_io>)
    target_include_directories(ingot_fuzz_io INTERFACE ${PROJECT_SOURCE_DIR}/include)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.cpp)
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM name)
        add_executable(fuzz_${name} ${source})
        ingot_settings(fuzz_${name})
        target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz ${PROJECT_SOURCE_DIR}/tests)
        if(source MATCHES "/fuzz/io/")
            target_link_libraries(fuzz_${name} PRIVATE ingot_fuzz_io)
        else()
            target_link_libraries(fuzz_${name} PRIVATE ingot)
        endif()
        target_link_libraries(fuzz_${name} PRIVATE nlohmann_json::nlohmann_json ${INGOT_IO_LIBS} ${INGOT_LINK_LIBS})
        set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
        if(name MATCHES "^seeds")
            target_compile_definitions(fuzz_${name} PRIVATE INGOT_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
            target_link_libraries(fuzz_${name} PRIVATE GTest::gtest)
        else()
            target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        endif()
    endforeach()
endfunction()
