# SPDX-License-Identifier: MIT
# `cmake --install`: headers, library, CMake package (find_package(Ingot) -> Ingot::ingot), pkg-config file, command.
if(NOT TARGET ingot OR INGOT_PARTS)
    return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Ingot)
install(DIRECTORY include/ingot DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS ingot EXPORT IngotTargets)
install(EXPORT IngotTargets NAMESPACE Ingot:: DESTINATION ${package_dir})
if(TARGET ingot_command)
    install(TARGETS ingot_command)
endif()

# A static library hands its private dependencies on to whoever links it; a shared one needs none of them. In the .pc file
# they are not under Requires.private: `pkg-config --static` would ask for static builds of the dependencies as well.
set(INGOT_CONFIG_FIND "")
set(INGOT_PC_REQUIRES "")
set(INGOT_PC_LIBS "")
get_target_property(library_type ingot TYPE)
if(library_type STREQUAL "STATIC_LIBRARY")
    set(packages Threads Highway ZLIB JPEG PNG LibArchive)
    set(INGOT_PC_REQUIRES "libhwy zlib libjpeg libpng libarchive")
    if(INGOT_HAS_ONEDNN)
        list(APPEND packages OneDNN)
        string(APPEND INGOT_PC_LIBS " -ldnnl") # Debian's oneDNN has no .pc file
    endif()
    if("gomp" IN_LIST INGOT_LINK_LIBS)
        string(APPEND INGOT_PC_LIBS " -lgomp")
    endif()
    string(APPEND INGOT_PC_LIBS " -lpthread")
    foreach(lib IN LISTS CMAKE_DL_LIBS)
        string(APPEND INGOT_PC_LIBS " -l${lib}")
    endforeach()
    foreach(package IN LISTS packages)
        string(APPEND INGOT_CONFIG_FIND "find_dependency(${package})\n")
    endforeach()
endif()

configure_package_config_file(cmake/IngotConfig.cmake.in ${PROJECT_BINARY_DIR}/package/IngotConfig.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/IngotConfigVersion.cmake
    COMPATIBILITY SameMinorVersion) # before 1.0 every minor version may break users
install(FILES ${PROJECT_BINARY_DIR}/package/IngotConfig.cmake ${PROJECT_BINARY_DIR}/package/IngotConfigVersion.cmake
              cmake/FindHighway.cmake cmake/FindOneDNN.cmake
        DESTINATION ${package_dir})

configure_file(cmake/ingot.pc.in ${PROJECT_BINARY_DIR}/package/ingot.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/ingot.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Installs this build into a scratch prefix and builds a small program against it, as a stranger would.
if(INGOT_BUILD_TESTS AND INGOT_SANITIZE STREQUAL "")
    foreach(way FindPackage PkgConfig)
        add_test(NAME install.${way}
            COMMAND ${CMAKE_COMMAND} -DWAY=${way} -DBUILD=${PROJECT_BINARY_DIR} -DGENERATOR=${CMAKE_GENERATOR}
                    -DCXX=${CMAKE_CXX_COMPILER} -DLIBDIR=${CMAKE_INSTALL_LIBDIR}
                    -P ${PROJECT_SOURCE_DIR}/tests/install/run.cmake)
        set_tests_properties(install.${way} PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED: " TIMEOUT 300)
    endforeach()
endif()
