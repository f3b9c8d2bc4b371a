// SPDX-License-Identifier: MIT
#include "cli/commands.h"

int main(int argc, char** argv) { return ingot::cli::run(argc, argv); }
