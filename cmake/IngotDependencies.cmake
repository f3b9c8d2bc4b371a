# SPDX-License-Identifier: MIT
# Finds what docs/dependencies.md lists. Nothing is vendored or downloaded.
# Sets INGOT_CPU_LIBS (SIMD, oneDNN) and INGOT_IO_LIBS (files, images, archives); installed programs find the same
# packages again through IngotConfig.cmake.
find_package(Threads REQUIRED)
find_package(Highway REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(LibArchive REQUIRED)

set(INGOT_CPU_LIBS Highway::Highway)
set(INGOT_IO_LIBS nlohmann_json::nlohmann_json ZLIB::ZLIB JPEG::JPEG PNG::PNG LibArchive::LibArchive)

set(INGOT_HAS_ONEDNN OFF)
set(INGOT_ONEDNN_DEFINITIONS)
if(INGOT_ONEDNN STREQUAL "AUTO")
    find_package(OneDNN)
    if(OneDNN_FOUND)
        set(INGOT_HAS_ONEDNN ON)
        set(INGOT_ONEDNN_DEFINITIONS INGOT_HAS_ONEDNN=1)
        list(APPEND INGOT_CPU_LIBS OneDNN::OneDNN)
    endif()
elseif(NOT INGOT_ONEDNN STREQUAL "OFF")
    message(FATAL_ERROR "INGOT_ONEDNN must be AUTO or OFF, not '${INGOT_ONEDNN}'")
endif()
message(STATUS "oneDNN: ${INGOT_HAS_ONEDNN}")

list(APPEND INGOT_LINK_LIBS Threads::Threads ${CMAKE_DL_LIBS})
