// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include <cerrno>
#include <cstdio>

#include <ingot/error.h>

#include "io/file.h"

namespace ingot::cli {

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_json(const Json& object) {
    // File names need not be UTF-8; JSON must be.
    print(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void finish_output() {
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
        throw Error("cannot write to standard output: " + io::errno_text(errno));
}

void remark(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

} // namespace ingot::cli
