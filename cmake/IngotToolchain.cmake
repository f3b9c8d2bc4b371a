# SPDX-License-Identifier: MIT
# Compiler-wide settings: standard, optimisation level, warnings, sanitizers, ccache, OpenMP.
# Kernels choose their instruction set at run time (Highway), so there is no -march here, and never -ffast-math.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(PROJECT_IS_TOP_LEVEL)
    if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
        set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
    endif()
    # CMake's own default is -O3, which compiles more slowly and runs no faster here.
    if(CMAKE_CXX_FLAGS_RELEASE STREQUAL "-O3 -DNDEBUG")
        set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
    endif()
    find_program(INGOT_CCACHE ccache)
    if(INGOT_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
        set(CMAKE_CXX_COMPILER_LAUNCHER ${INGOT_CCACHE})
    endif()
    # Colours survive ninja's pipes only when asked for.
    if(NOT DEFINED CMAKE_COLOR_DIAGNOSTICS AND DEFINED ENV{CLICOLOR_FORCE})
        set(CMAKE_COLOR_DIAGNOSTICS ON)
    endif()
endif()
if(BUILD_SHARED_LIBS)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()

# Flags of our own code only; users of the library get none of them.
set(INGOT_COMPILE_OPTIONS -Wall -Wextra -fno-math-errno)
set(INGOT_COMPILE_DEFINITIONS)
set(INGOT_LINK_LIBS)
if(INGOT_WERROR)
    list(APPEND INGOT_COMPILE_OPTIONS -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU") # g++ 12 warns wrongly inside the standard library
        list(APPEND INGOT_COMPILE_OPTIONS -Wno-error=array-bounds -Wno-error=stringop-overflow -Wno-error=stringop-overread
                                          -Wno-error=maybe-uninitialized)
    endif()
endif()

# libgomp is the pool that oneDNN uses too. It is not instrumented, so the thread sanitizer's build goes without; clang
# builds (warnings, sanitizers, fuzzing) use the std::thread pool in src/base.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT INGOT_SANITIZE STREQUAL "thread")
    list(APPEND INGOT_COMPILE_OPTIONS -fopenmp)
    list(APPEND INGOT_COMPILE_DEFINITIONS INGOT_OPENMP=1)
    list(APPEND INGOT_LINK_LIBS gomp) # by plain name: a clang program can link the installed library as well
endif()

if(INGOT_SANITIZE STREQUAL "address")
    set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
elseif(INGOT_SANITIZE STREQUAL "fuzzer") # the programs in fuzz/ add libFuzzer's main
    set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    add_compile_options(-fsanitize=fuzzer-no-link)
elseif(INGOT_SANITIZE STREQUAL "thread")
    set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
elseif(NOT INGOT_SANITIZE STREQUAL "")
    message(FATAL_ERROR "INGOT_SANITIZE must be empty, address, fuzzer or thread, not '${INGOT_SANITIZE}'")
endif()
if(NOT INGOT_SANITIZE STREQUAL "")
    add_compile_options(${sanitize})
    add_link_options(${sanitize})
endif()
