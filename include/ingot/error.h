// SPDX-License-Identifier: MIT
// The one error type of Ingot. Everything a user can do wrong (shapes, dtypes, files, memory) throws ingot::Error or a
// class derived from it, with one clear line that names the thing and, where there is one, the fix. Mistakes of Ingot
// itself are assertions (base/check.h). Exceptions are immutable and may be rethrown on other threads.
#pragma once

#include <stdexcept>
#include <string>

namespace ingot {

/// Base of all errors that Ingot reports. what() is one line without a trailing newline.
class Error : public std::runtime_error {
public:
    explicit Error(const std::string& message) : std::runtime_error(message) {}
};

/// Operands whose shapes do not fit an operator.
class ShapeError : public Error {
public:
    using Error::Error;
};

/// Operands whose dtypes do not fit an operator, or a dtype that a device cannot compute.
class DTypeError : public Error {
public:
    using Error::Error;
};

/// Operands on different devices, or a device that is not there.
class DeviceError : public Error {
public:
    using Error::Error;
};

/// No memory left after releasing caches; the message reports who holds what. The process can go on.
class OutOfMemoryError : public Error {
public:
    using Error::Error;
};

/// A file that is missing, damaged or not what it should be; names the file and, where known, the offset.
class FileError : public Error {
public:
    using Error::Error;
};

} // namespace ingot
