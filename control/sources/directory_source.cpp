// A directory of Kubernetes YAML as a source.
#include "control/sources/directory_source.h"

#include <spdlog/spdlog.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

namespace viaduct {

namespace {

namespace fs = std::filesystem;

bool is_manifest(const std::string& name) {
    const std::string extension = fs::path(name).extension();
    return !name.starts_with('.') && (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

/// A symlink or hard link is complete when it appears; a new file's content follows, with an event of its own.
bool is_complete_at_creation(const fs::path& path) {
    std::error_code ignored;
    return fs::is_symlink(fs::symlink_status(path, ignored)) || fs::hard_link_count(path, ignored) > 1;
}

std::string read_text(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file)
        throw std::runtime_error(path.string() + ": cannot be read (" + std::strerror(errno) +
                                 "): mend its permissions or link; its last good objects stay in force");
    return text.str();
}

bool same_value(const Object& a, const Object& b) {
    if (a.index() != b.index()) return false;
    return std::visit([&](const auto& one) { return *one == *std::get<std::decay_t<decltype(one)>>(b); }, a);
}

const Object* find_object(const std::vector<Object>& objects, const ObjectKey& key) {
    const auto found = std::ranges::find_if(objects, [&](const Object& one) { return key_of(one) == key; });
    return found == objects.end() ? nullptr : &*found;
}

}  // namespace

DirectorySource::DirectorySource(const SourceConfig& config, std::string network)
    : name_(config.name),
      network_(std::move(network)),
      path_(config.path),
      inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (inotify_.get() < 0)
        throw std::system_error(errno, std::generic_category(), "inotify_init1 (raise fs.inotify.max_user_instances)");
    if (!watch())
        throw std::runtime_error("source " + name_ + ": " + path_.string() + " cannot be watched (" +
                                 std::strerror(errno) + "): create the directory, or correct path in [source." + name_ +
                                 "]");
    read_everything();
    rebuild();
    report();
}

bool DirectorySource::watch() {
    constexpr std::uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
                                     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    watching_ = inotify_add_watch(inotify_.get(), path_.c_str(), events) >= 0;
    return watching_;
}

DirectorySource::Events DirectorySource::take_events() {
    Events events;
    alignas(inotify_event) std::array<char, 16'384> buffer;
    while (true) {
        const ssize_t length = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (length <= 0) return events;
        for (ssize_t at = 0; at < length;) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string name = event.len == 0 ? "" : std::string(buffer.data() + at + sizeof event);
            at += static_cast<ssize_t>(sizeof event + event.len);
            if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) events.gone = true;
            if (event.mask & IN_Q_OVERFLOW || name == "..data") events.everything = true;
            if (!is_manifest(name)) continue;
            const bool complete = event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO) ||
                                  (event.mask & IN_CREATE && is_complete_at_creation(path_ / name));
            if (complete) events.written.insert(name), events.removed.erase(name);
            if (event.mask & (IN_DELETE | IN_MOVED_FROM)) events.removed.insert(name), events.written.erase(name);
        }
    }
}

bool DirectorySource::process() {
    Events events = take_events();
    const bool was_watching = watching_;
    // A directory that comes back, perhaps another one under the same name, is read from the beginning.
    if (events.gone) watching_ = false;
    if (!watching_) events.everything |= watch();
    bool changed = was_watching != watching_;
    if (events.everything && watching_)
        changed |= read_everything();
    else
        for (const std::string& name : events.written) changed |= read_file(name);
    for (const std::string& name : events.removed) changed |= files_.erase(name) != 0;
    if (!changed) return false;
    rebuild();
    report();
    return true;
}

bool DirectorySource::read_everything() {
    std::set<std::string> present;
    std::error_code failed;
    for (fs::directory_iterator entry(path_, failed); !failed && entry != fs::directory_iterator();
         entry.increment(failed))
        if (is_manifest(entry->path().filename())) present.insert(entry->path().filename());
    if (failed) return false;
    bool changed = std::erase_if(files_, [&](const auto& file) { return !present.contains(file.first); }) != 0;
    for (const std::string& name : present) changed |= read_file(name);
    return changed;
}

bool DirectorySource::read_file(const std::string& name) {
    std::error_code ignored;
    if (fs::is_directory(path_ / name, ignored)) return false;
    const auto before = files_.find(name);
    File file;
    try {
        const fs::path path = path_ / name;
        ReadObjects read = read_objects(read_text(path), path.string());
        file.objects = std::move(read.objects);
        for (ObjectError& error : read.errors) {
            const Object* good =
                before != files_.end() && error.key ? find_object(before->second.objects, *error.key) : nullptr;
            if (good != nullptr) file.objects.push_back(*good);
            file.errors.push_back(std::move(error.text));
        }
        // What stayed the same keeps its place in memory: comparing it later costs a pointer.
        for (Object& object : file.objects)
            if (const Object* same =
                    before == files_.end() ? nullptr : find_object(before->second.objects, key_of(object));
                same != nullptr && same_value(*same, object))
                object = *same;
    } catch (const std::runtime_error& broken) {
        if (before != files_.end()) file.objects = before->second.objects;
        file.errors.emplace_back(broken.what());
    }
    if (before != files_.end() && before->second == file) return false;
    files_[name] = std::move(file);
    return true;
}

void DirectorySource::rebuild() {
    objects_ = {};
    errors_.clear();
    if (!watching_)
        errors_.push_back(path_.string() + ": the directory is gone: create it again; its last objects stay in force");
    std::map<ObjectKey, std::string> owners;
    for (const auto& [name, file] : files_) {
        for (const Object& object : file.objects) {
            const auto [owner, is_new] = owners.try_emplace(key_of(object), name);
            if (is_new)
                objects_.add(object);
            else
                errors_.push_back((path_ / name).string() + ": " + to_string(key_of(object)) + " is in " +
                                  owner->second + " too, which keeps it: remove one of them");
        }
        errors_.insert(errors_.end(), file.errors.begin(), file.errors.end());
    }
    last_change_ = std::chrono::system_clock::now();
}

void DirectorySource::report() {
    const std::set<std::string> now(errors_.begin(), errors_.end());
    for (const std::string& error : now)
        if (!reported_.contains(error)) spdlog::warn("source {}: {}", name_, error);
    if (now.empty() && !reported_.empty()) spdlog::info("source {}: all is well again", name_);
    reported_ = now;
}

SourceStatus DirectorySource::status() const {
    return {name_, "directory", network_, path_.string(), true, objects_.counts(), errors_, last_change_};
}

}  // namespace viaduct
