// SPDX-License-Identifier: MIT
#include "train/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <ingot/error.h>

#include "io/atomic_file.h"
#include "io/file.h"

namespace ingot::train {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSecondsFile = "metrics.seconds"; // while an epoch is unfinished
constexpr const char* kFiles[] = {kLastFile,       kBestFile,     "model.json", "metrics.csv",
                                  "metrics.jsonl", "report.html", kSecondsFile};
constexpr const char* kKept = "step-"; // "step-00001200.safetensors"

std::string join(const std::string& folder, const std::string& name) { return (fs::path(folder) / name).string(); }

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code code;
    for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code))
        names.push_back(it->path().filename().string());
    if (code) throw FileError(folder + ": cannot be listed: " + code.message());
    std::sort(names.begin(), names.end());
    return names;
}

bool is_kept(const std::string& name) { return name.starts_with(kKept) && name.ends_with(".safetensors"); }

/// Older checkpoints, oldest first: their numbers have a fixed width.
std::vector<std::string> kept_in(const std::string& folder) {
    std::vector<std::string> names = names_in(folder);
    std::erase_if(names, [](const std::string& name) { return !is_kept(name); });
    return names;
}

/// As io/atomic_file.h names them.
bool is_leftover(const std::string& name) {
    return name.starts_with(".") && name.find(".tmp-") != std::string::npos &&
           std::any_of(std::begin(kFiles), std::end(kFiles),
                       [&](const char* file) { return name.starts_with("." + std::string(file) + ".tmp-"); });
}

void remove(const std::string& path) {
    std::error_code code;
    fs::remove(path, code);
    if (code) throw FileError(path + ": cannot be removed: " + code.message());
}

/// The checkpoints besides last.safetensors that can be read, furthest first.
std::vector<LoadedCheckpoint> others_in(const std::string& folder) {
    std::vector<std::string> names = kept_in(folder);
    names.push_back(kBestFile);
    std::vector<LoadedCheckpoint> whole;
    for (const std::string& name : names) {
        if (!fs::exists(join(folder, name))) continue;
        try {
            LoadedCheckpoint c = read_checkpoint(join(folder, name));
            c.position();
            whole.push_back(std::move(c));
        } catch (const FileError&) { continue; } // what is damaged as well is no help
    }
    std::stable_sort(whole.begin(), whole.end(), [](const LoadedCheckpoint& a, const LoadedCheckpoint& b) {
        return a.position().step > b.position().step;
    });
    return whole;
}

} // namespace

RunFolder::RunFolder(std::string path) : path_(std::move(path)) {
    std::error_code code;
    fs::create_directories(path_, code);
    if (code) throw FileError(path_ + ": cannot create the folder: " + code.message());
    lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock_ < 0) throw FileError(path_ + ": cannot open the folder: " + io::errno_text(errno));
    // Some network file systems know no locks; there two runs in one folder remain the user's mistake.
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        ::close(lock_);
        throw FileError(path_ + ": another process is training there");
    }
    try {
        for (const std::string& name : names_in(path_))
            if (is_leftover(name)) remove(file(name));
    } catch (...) {
        ::close(lock_);
        throw;
    }
}

RunFolder::~RunFolder() { ::close(lock_); }

std::string RunFolder::file(const std::string& name) const { return join(path_, name); }

std::vector<std::string> RunFolder::files() const {
    std::vector<std::string> names = kept_in(path_);
    names.insert(names.end(), std::begin(kFiles), std::end(kFiles));
    std::erase_if(names, [&](const std::string& name) { return !fs::exists(file(name)); });
    return names;
}

void RunFolder::clear() const {
    for (const std::string& name : files()) remove(file(name));
}

void RunFolder::set_aside() const {
    const std::vector<std::string> names = files();
    if (names.empty()) return;
    if (run_in(file(kReplacedFolder))) return clear();
    // Under a name of its own until all are there: what is killed half-way is not taken for a whole run.
    const std::string moving = file(std::string(".") + kReplacedFolder);
    std::error_code code;
    fs::create_directory(moving, code);
    for (const std::string& name : names)
        if (!code) fs::rename(file(name), join(moving, name), code);
    if (!code) fs::rename(moving, file(kReplacedFolder), code);
    if (code)
        throw FileError(file(kReplacedFolder) + ": the run that is there cannot be moved to it: " + code.message());
}

void RunFolder::drop_replaced() const {
    const std::string folder = file(kReplacedFolder);
    if (!run_in(folder)) return;
    for (const char* name : kFiles) remove(join(folder, name));
    for (const std::string& name : kept_in(folder)) remove(join(folder, name));
    std::error_code not_empty; // then somebody else's files lie there
    fs::remove(folder, not_empty);
}

void RunFolder::keep_last(int64_t step, int64_t keep) const {
    if (keep <= 0 || !fs::exists(file(kLastFile))) return;
    char name[64];
    std::snprintf(name, sizeof name, "%s%08lld.safetensors", kKept, static_cast<long long>(step));
    remove(file(name));
    std::error_code code;
    // last.safetensors is replaced and never written to, so a second name for it costs no space.
    fs::create_hard_link(file(kLastFile), file(name), code);
    if (code) fs::copy_file(file(kLastFile), file(name), code);
    if (code) throw FileError(file(name) + ": cannot be made from " + kLastFile + ": " + code.message());
    const std::vector<std::string> kept = kept_in(path_);
    for (size_t i = 0; i + static_cast<size_t>(keep) < kept.size(); ++i) remove(file(kept[i]));
}

void RunFolder::note_seconds(int64_t step, double seconds) const {
    io::write_file_atomic(file(kSecondsFile), std::to_string(step) + " " + std::to_string(seconds) + "\n");
}

void RunFolder::forget_seconds() const { remove(file(kSecondsFile)); }

double RunFolder::noted_seconds(int64_t step) const {
    std::ifstream in(file(kSecondsFile));
    int64_t of = 0;
    double seconds = 0;
    return in >> of >> seconds && of == step ? seconds : 0;
}

std::optional<std::string> run_in(const std::string& folder) {
    std::error_code code;
    if (!fs::exists(folder, code)) return {};
    if (!fs::is_directory(folder, code)) throw FileError(folder + ": is not a folder");
    for (const char* name : kFiles)
        if (fs::exists(join(folder, name), code)) return name;
    const std::vector<std::string> kept = kept_in(folder);
    return kept.empty() ? std::optional<std::string>() : kept.front();
}

std::optional<LoadedCheckpoint> checkpoint_in(const std::string& folder) {
    if (!run_in(folder)) return {};
    if (!fs::exists(join(folder, kLastFile))) {
        std::vector<LoadedCheckpoint> others = others_in(folder);
        if (others.empty()) return {};
        return std::move(others.front());
    }
    try {
        LoadedCheckpoint last = read_checkpoint(join(folder, kLastFile));
        last.position();
        return last;
    } catch (const FileError& error) {
        const std::vector<LoadedCheckpoint> others = others_in(folder);
        if (others.empty()) throw FileError(std::string(error.what()) + "; no other checkpoint in the folder is whole");
        const LoadedCheckpoint& other = others.front();
        throw FileError(std::string(error.what()) + "; " + other.path + " is whole (step " +
                        std::to_string(other.position().step) + "): to go on from there, cp '" + other.path + "' '" +
                        join(folder, kLastFile) + "'");
    }
}

} // namespace ingot::train
