// A file's text to objects.
#include "control/objects/read_objects.h"

#include <yaml-cpp/eventhandler.h>

#include <sstream>

#include "control/objects/parse_object.h"
#include "control/objects/yaml_tree.h"

namespace viaduct {

namespace {

using YamlField = Field<YamlTree>;

class Reader {
public:
    explicit Reader(const std::string& file) : file_(file) {}

    /// `kind` and `api_version` are the list's for an item that names none itself, as the API server's do not.
    void read(const YamlField& root, const std::string& kind_of_list, const std::string& version_of_list) {
        std::optional<ObjectKey> key;
        try {
            const std::string kind = root["kind"].text_or(kind_of_list);
            const std::string version = root["apiVersion"].text_or(version_of_list);
            if (kind.empty()) root["kind"].fail("is missing: add it");
            if (is_list(kind, root)) return read_list(root, kind.substr(0, kind.size() - 4), version);
            const auto known = kind_named(kind, version);
            if (!known) return;
            key = ObjectKey{*known, "", ""};
            key->name = root["metadata"]["name"].text();
            if (is_namespaced(*known)) key->name_space = root["metadata"]["namespace"].text_or("default");
            if (auto object = parse_object(*key, root)) result.objects.push_back(std::move(*object));
        } catch (const FieldError& wrong) {
            const std::string where = file_ + ":" + std::to_string(wrong.line()) + ": ";
            const bool named = key && !key->name.empty();
            const std::string what = named ? to_string(*key) + ": "
                                     : key ? std::string(to_string(key->kind)) + ": "
                                           : "";
            result.errors.push_back({named ? key : std::nullopt, where + what + wrong.what()});
        }
    }

    ReadObjects result;

private:
    static bool is_list(const std::string& kind, const YamlField& root) {
        return kind.ends_with("List") && root["items"].present();
    }
    void read_list(const YamlField& root, const std::string& kind, const std::string& version) {
        // A plain `List` says nothing about its items, which then speak for themselves.
        for (const YamlField& item : root["items"].items()) read(item, kind, kind.empty() ? "" : version);
    }

    const std::string& file_;
};

/// Throws when a document begins where the one before it began. yaml-cpp 0.7 does not get past a comma between two
/// documents, and would load empty ones until there is no memory left.
class Progress : public YAML::EventHandler {
public:
    void OnDocumentStart(const YAML::Mark& mark) override {
        if (mark.pos == last_) throw YAML::ParserException(mark, "what stands here belongs to no document");
        last_ = mark.pos;
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}

private:
    int last_ = -1;
};

std::vector<YAML::Node> load(const std::string& text) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Progress progress;
    while (parser.HandleNextDocument(progress)) {
    }
    return YAML::LoadAll(text);
}

}  // namespace

ReadObjects read_objects(const std::string& text, const std::string& file) {
    Reader reader(file);
    try {
        for (const YAML::Node& document : load(text)) {
            const YamlTree tree(document);
            if (tree.present()) reader.read(YamlField(tree), "", "");
        }
    } catch (const YAML::Exception& wrong) {
        throw std::runtime_error(file + ":" + std::to_string(wrong.mark.line + 1) + ": " + wrong.msg +
                                 ": mend the YAML; what the file said before stays in force");
    }
    return std::move(reader.result);
}

}  // namespace viaduct
