// Lists, events and Status objects out of JSON.
#include "control/sources/kubernetes/json_reader.h"

#include "control/objects/json_tree.h"
#include "control/objects/parse_object.h"

namespace viaduct {

namespace {

using JsonField = Field<JsonTree>;

constexpr std::size_t longest_message = 300;
constexpr const char* end_mark = "k8s.io/initial-events-end";

JsonTree parsed(simdjson::dom::parser& parser, std::string_view text) {
    simdjson::dom::element root;
    if (const auto error = parser.parse(text.data(), text.size()).get(root); error != simdjson::SUCCESS)
        throw BadAnswer(std::string("no JSON: ") + simdjson::error_message(error));
    return JsonTree(root);
}

/// Errors name fields from the object on: where it stands in its list helps nobody.
ReadItem read_item(ObjectKind kind, const JsonTree& object) {
    const JsonField root(object);
    ReadItem item{{kind, "", ""}, ""};
    const JsonField metadata = root["metadata"];
    item.key.name = metadata["name"].text();
    if (is_namespaced(kind)) item.key.name_space = metadata["namespace"].text();
    item.version = metadata["resourceVersion"].text_or("");
    try {
        item.object = parse_object(item.key, root);
    } catch (const FieldError& wrong) {
        item.error = to_string(item.key) + ": " + wrong.what();
    }
    return item;
}

ApiStatus status_of(const JsonField& root, int otherwise) {
    const int code = root["code"].number_or<std::uint16_t>(static_cast<std::uint16_t>(otherwise), 0, 999);
    return {code, root["message"].text_or(root["reason"].text_or("")).substr(0, longest_message)};
}

}  // namespace

/// Keeps its memory from one document to the next.
struct JsonReader::Parser {
    simdjson::dom::parser documents;
};

JsonReader::JsonReader() : parser_(std::make_unique<Parser>()) {}
JsonReader::~JsonReader() = default;

void JsonReader::shrink() { parser_ = std::make_unique<Parser>(); }

ListChunk JsonReader::read_list(ObjectKind kind, const std::string& body) {
    try {
        const JsonTree tree = parsed(parser_->documents, body);
        const JsonField root(tree);
        const std::string wanted = std::string(to_string(kind)) + "List", is = root["kind"].text_or("");
        if (is != wanted) throw BadAnswer("a '" + is + "', not the " + wanted + " that was asked for");
        ListChunk chunk;
        chunk.version = root["metadata"]["resourceVersion"].text();
        chunk.continuation = root["metadata"]["continue"].text_or("");
        if (root["items"].present() && !tree.member("items").is_list()) root["items"].fail("must be a list");
        for (const JsonTree& item : tree.member("items").items()) chunk.items.push_back(read_item(kind, item));
        return chunk;
    } catch (const FieldError& wrong) {
        throw BadAnswer(wrong.what());
    }
}

WatchEvent JsonReader::read_event(ObjectKind kind, std::string_view line) {
    try {
        const JsonTree tree = parsed(parser_->documents, line);
        const JsonField root(tree), object = root["object"];
        const std::string type = root["type"].text();
        WatchEvent event;
        if (type == "ERROR") {
            event.type = WatchEvent::Type::error;
            event.status = status_of(object, 0);
        } else if (type == "BOOKMARK") {
            event.type = WatchEvent::Type::bookmark;
            event.item.version = object["metadata"]["resourceVersion"].text();
            event.initial_events_end = object["metadata"]["annotations"][end_mark].text_or("") == "true";
        } else if (type == "ADDED" || type == "MODIFIED" || type == "DELETED") {
            event.type = type == "DELETED" ? WatchEvent::Type::erase : WatchEvent::Type::put;
            event.item = read_item(kind, tree.member("object"));
        } else {
            throw BadAnswer("an event of unknown type '" + type + "'");
        }
        return event;
    } catch (const FieldError& wrong) {
        throw BadAnswer(wrong.what());
    }
}

ApiStatus JsonReader::read_status(int http_status, const std::string& body) {
    try {
        const ApiStatus status = status_of(JsonField(parsed(parser_->documents, body)), http_status);
        if (!status.message.empty()) return status;
    } catch (const std::runtime_error&) {
        // A proxy's page or plain text: its first line tells most.
    }
    return {http_status, body.substr(0, std::min(body.find('\n'), longest_message))};
}

}  // namespace viaduct
