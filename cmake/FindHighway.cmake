# SPDX-License-Identifier: MIT
# Finds Highway (portable SIMD) and defines Highway::Highway. By hand, because the CMake package that distributions ship
# also asks for the test library.
find_path(Highway_INCLUDE_DIR hwy/highway.h)
find_library(Highway_LIBRARY NAMES hwy)
mark_as_advanced(Highway_INCLUDE_DIR Highway_LIBRARY)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Highway REQUIRED_VARS Highway_LIBRARY Highway_INCLUDE_DIR)
if(Highway_FOUND AND NOT TARGET Highway::Highway)
    add_library(Highway::Highway UNKNOWN IMPORTED)
    set_target_properties(Highway::Highway PROPERTIES IMPORTED_LOCATION "${Highway_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${Highway_INCLUDE_DIR}")
    if(NOT Highway_LIBRARY MATCHES "\\.a$")
        set_property(TARGET Highway::Highway PROPERTY INTERFACE_COMPILE_DEFINITIONS HWY_SHARED_DEFINE)
    endif()
endif()
