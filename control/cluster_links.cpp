// The writers of every cluster that can be written to.
#include "control/cluster_links.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace viaduct {

namespace {

/// A finding names its object, or its network, but not its cluster: with several clusters it is that which has it.
bool has_subject(const Objects& objects, const std::string& network, const Finding& finding) {
    if (finding.subject.starts_with("network ")) return finding.subject == "network " + network;
    const EventTarget target = event_target(finding.subject, "");
    if (target.name.empty()) return true;  // no object: a port, or the gateway itself
    const auto kind = parse_kind(target.kind);
    return kind && objects.has({*kind, target.name_space, target.name});
}

}  // namespace

std::string gateway_identity(const NetworkConfig& network) {
    if (!network.node_name.empty()) return network.node_name;
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "viaduct";
}

void ClusterLinks::add(const SourceConfig& config, const NetworkConfig& network, Source& source) {
    if (source.writer() == nullptr) return;
    const ClusterWriterOptions options{gateway_identity(network), config.events, config.lease};
    links_.push_back({config.name, network, source,
                      std::make_unique<ClusterWriters>(config_, network, options, *source.writer(), real_timing())});
}

void ClusterLinks::update() {
    for (Link& link : links_) update(link);
    due_ = {};
}

void ClusterLinks::update(Link& link) {
    const auto network = std::ranges::find(facts_.desired.networks, link.network.name, &DesiredNetwork::name);
    if (network == facts_.desired.networks.end() || !link.source.status().synced) return;
    link.writers->update({link.source.objects(), *network, facts_.addresses.assigned(), facts_.addresses.revision()});
}

std::vector<Finding> ClusterLinks::findings_for(const Link& link) const {
    std::vector<Finding> findings = link.source.malformed();
    for (const Finding& one : facts_.findings)
        if (config_.sources.size() == 1 || has_subject(link.source.objects(), link.network.name, one))
            findings.push_back(one);
    return findings;
}

void ClusterLinks::tell() {
    update();
    for (Link& link : links_)
        if (link.writers->leads()) link.writers->tell(link.source.objects(), findings_for(link));
}

void ClusterLinks::run() {
    if (std::chrono::steady_clock::now() < due_) return;
    due_ = TimePoint::max();
    for (Link& link : links_) {
        link.writers->run();
        if (link.led != link.writers->leads()) {
            link.led = !link.led;
            update(link);
            link.writers->run();
        }
        due_ = std::min(due_, link.writers->due());
    }
}

std::vector<Finding> ClusterLinks::findings() const {
    std::vector<Finding> findings;
    for (const Link& link : links_) std::ranges::move(link.writers->findings(), std::back_inserter(findings));
    return findings;
}

void ClusterLinks::describe(std::vector<SourceStatus>& sources) const {
    for (const Link& link : links_) {
        const auto status = std::ranges::find(sources, link.source_name, &SourceStatus::name);
        status->writer = link.writers->leader();
        status->writes = link.writers->leads();
    }
}

void ClusterLinks::release() {
    for (Link& link : links_) link.writers->release();
}

bool ClusterLinks::released() const {
    return std::ranges::all_of(links_, [](const Link& link) { return link.writers->released(); });
}

}  // namespace viaduct
