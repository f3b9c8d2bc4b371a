// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/waiting.h"

int main(int argc, char** argv) {
    ingot::cli::wait_briefly(argv);
    return ingot::cli::run(argc, argv);
}
