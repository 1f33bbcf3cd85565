// A directory of Kubernetes YAML as a source: edits, renames and deletions of its files apply live.
//
// Theory of operation. inotify tells which files were completely written, moved in or removed; only those are read
// again, so a file that is just being written is never read half. A symlink that is swapped (a ConfigMap mount's
// `..data`) and a lost event make it read everything. A file that is no YAML, or cannot be read, keeps its last good
// objects, and so does a single malformed object; both are reported until they are mended.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "control/objects/read_objects.h"
#include "control/sources/source.h"
#include "control/unique_fd.h"

namespace viaduct {

class DirectorySource : public Source {
public:
    /// Reads the whole directory. Throws std::runtime_error when there is none.
    DirectorySource(const SourceConfig& config, std::string network);

    [[nodiscard]] const Objects& objects() const override { return objects_; }
    [[nodiscard]] SourceStatus status() const override;
    [[nodiscard]] int fd() const override { return inotify_.get(); }
    bool process() override;

private:
    struct File {
        std::vector<Object> objects;
        std::vector<std::string> errors;
        bool operator==(const File&) const = default;
    };
    struct Events {
        std::set<std::string> written, removed;
        bool everything = false;  // read all files again
        bool gone = false;        // the directory itself
    };

    bool watch();
    [[nodiscard]] Events take_events();
    bool read_everything();
    bool read_file(const std::string& name);
    void rebuild();
    void report();

    std::string name_, network_;
    std::filesystem::path path_;
    UniqueFd inotify_;
    bool watching_ = false;
    std::map<std::string, File> files_;  // by name: the first file keeps an object that two have
    Objects objects_;
    std::vector<std::string> errors_;
    std::set<std::string> reported_;
    std::chrono::system_clock::time_point last_change_{};
};

}  // namespace viaduct
