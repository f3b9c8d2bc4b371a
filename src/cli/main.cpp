// SPDX-License-Identifier: MIT
#include <csignal>

#include "cli/commands.h"
#include "cli/waiting.h"

int main(int argc, char** argv) {
    std::signal(SIGXFSZ, SIG_IGN); // a limit on the size of files is an error of the write, like a full disk
    ingot::cli::wait_briefly(argv);
    return ingot::cli::run(argc, argv);
}
