// SPDX-License-Identifier: Apache-2.0
// Where words go: the process's own output, every console of the machine, the system journal.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace provision::cli {

void print(const std::string& text);
void print_error(const std::string& text);
bool output_is_terminal();

// Writes the text to each console that the kernel uses (/sys/class/tty/console/active). True if at least one took it
// all.
bool write_to_consoles(const std::string& text);

// Prints lines, and writes them to /dev/console as well where the standard output is the journal's alone: a terminal
// that journald opens for each line costs many times what the line does.
void print_to_console(const std::string& lines);

// Writes one line to those consoles that /dev/console does not lead to. A console that does not take it at once misses
// it.
void write_to_further_consoles(const std::string& line);

// Sends one entry to systemd-journald by its native protocol (systemd: "Native Journal Protocol"). False if there is
// none.
bool write_to_journal(const std::string& message, const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace provision::cli
