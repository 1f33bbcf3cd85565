// libcurl's multi interface on epoll.
//
// Theory of operation. libcurl tells which sockets it waits for and when it wants to be called; both end in one epoll.
// Its callbacks only store what arrived: handlers hear of it after libcurl has returned, so that they may begin and
// take back requests as they like.
#include "control/sources/kubernetes/http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <system_error>

namespace viaduct {

namespace {

using std::chrono::milliseconds;

constexpr long connect_time_ms = 10'000;  // name, TCP and TLS
// A connection whose other end is gone is found out within half a minute, whether it is idle or not.
constexpr long keepalive_idle_s = 15, keepalive_interval_s = 5;
constexpr unsigned unacknowledged_ms = 30'000;
constexpr std::chrono::seconds longest_wait{300};  // that a Retry-After is heeded: by mistake it may mean a year

void* open_multi() {
    static std::once_flag once;
    std::call_once(once, [] {
        // OpenSSL may write to a connection that the server has closed: an error is enough.
        std::signal(SIGPIPE, SIG_IGN);
        curl_global_init(CURL_GLOBAL_DEFAULT);
    });
    return curl_multi_init();
}

const char* remedy(CURLcode result) {
    switch (result) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return ": correct the server's name, or the resolver";
        case CURLE_COULDNT_CONNECT:
            return ": check the server's address and port, and what is in between";
        case CURLE_PEER_FAILED_VERIFICATION:
            return ": give the cluster's certificate-authority, or the tls-server-name that its certificate bears";
        default:
            return "";
    }
}

}  // namespace

struct Http::Transfer {
    ResponseHandler* handler = nullptr;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    curl_slist* connect_to = nullptr;
    std::array<char, CURL_ERROR_SIZE> error_text{};

    bool answered = false, told = false, ended = false;
    int status = 0;
    std::chrono::seconds retry_after{};
    std::string data;   // that the handler has not heard yet
    std::string error;  // of the end

    ~Transfer() {
        curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
        curl_slist_free_all(connect_to);
    }
};

class Http::Handle : public Exchange {
public:
    Handle(Http& http, std::uint64_t id) : http_(http), id_(id) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() override {
        const auto transfer = http_.transfers_.find(id_);
        if (transfer == http_.transfers_.end()) return;
        curl_multi_remove_handle(http_.multi_, transfer->second->easy);
        http_.transfers_.erase(transfer);
    }

private:
    Http& http_;
    const std::uint64_t id_;
};

struct Http::Curl {
    static int socket(CURL*, curl_socket_t fd, int what, void* http, void* known) {
        auto& self = *static_cast<Http*>(http);
        if (what == CURL_POLL_REMOVE) {
            epoll_ctl(self.epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
            return 0;
        }
        epoll_event event{};
        if (what & CURL_POLL_IN) event.events |= EPOLLIN;
        if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
        event.data.fd = fd;
        epoll_ctl(self.epoll_.get(), known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
        return curl_multi_assign(self.multi_, fd, http) == CURLM_OK ? 0 : -1;
    }
    static int timer(CURLM*, long timeout_ms, void* http) {
        auto& self = *static_cast<Http*>(http);
        self.curl_due_ =
            timeout_ms < 0 ? TimePoint::max() : std::chrono::steady_clock::now() + milliseconds(timeout_ms);
        self.arm();
        return 0;
    }
    static std::size_t header(char* line, std::size_t one, std::size_t length, void* transfer) {
        auto& self = *static_cast<Transfer*>(transfer);
        // An empty line ends the headers; 1xx answers have another set behind theirs.
        if (std::string_view(line, length) != "\r\n") return length * one;
        long status = 0;
        curl_off_t retry_after = 0;
        curl_easy_getinfo(self.easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(self.easy, CURLINFO_RETRY_AFTER, &retry_after);
        if (status >= 200) {
            self.answered = true;
            self.status = static_cast<int>(status);
            self.retry_after = std::clamp(std::chrono::seconds(retry_after), std::chrono::seconds(0), longest_wait);
        }
        return length * one;
    }
    static std::size_t body(char* data, std::size_t one, std::size_t length, void* transfer) {
        static_cast<Transfer*>(transfer)->data.append(data, length);
        return length * one;
    }
    static int configure(void*, curl_socket_t fd, curlsocktype) {
        // A courtesy only: without it a dead connection is noticed later.
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
        return CURL_SOCKOPT_OK;
    }

    static void set_up(Transfer& transfer, const HttpRequest& request);
    static void set_up_body(CURL* easy, const HttpRequest& request);
    static void set_up_tls(CURL* easy, const HttpRequest& request);
};

Http::Http()
    : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(checked(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")),
      multi_(open_multi()) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = timer_.get();
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), &event);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, Curl::socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, Curl::timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

Http::~Http() {
    for (const auto& [id, transfer] : transfers_) curl_multi_remove_handle(multi_, transfer->easy);
    transfers_.clear();
    curl_multi_cleanup(multi_);
}

void Http::Curl::set_up(Transfer& transfer, const HttpRequest& request) {
    CURL* const easy = transfer.easy;
    for (const std::string& header : request.headers)
        transfer.headers = curl_slist_append(transfer.headers, header.c_str());
    if (!request.connect_to.empty()) transfer.connect_to = curl_slist_append(nullptr, request.connect_to.c_str());
    if (!request.proxy.empty()) {
        curl_easy_setopt(easy, CURLOPT_PROXY, request.proxy.c_str());
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "");  // NO_PROXY is about the environment's proxies
    }
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer.connect_to);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request.fresh ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_time_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, keepalive_idle_s);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, keepalive_interval_s);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, configure);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error_text.data());
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    set_up_body(easy, request);
    set_up_tls(easy, request);
}

void Http::Curl::set_up_body(CURL* easy, const HttpRequest& request) {
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    if (!request.body.empty()) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request.body.data());
    }
    if (request.method != "GET") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void Http::Curl::set_up_tls(CURL* easy, const HttpRequest& request) {
    const auto set = [&](CURLoption option, const std::string& pem) {
        curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
        if (!pem.empty()) curl_easy_setopt(easy, option, &blob);
    };
    set(CURLOPT_CAINFO_BLOB, request.ca);
    set(CURLOPT_SSLCERT_BLOB, request.certificate);
    set(CURLOPT_SSLKEY_BLOB, request.key);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, request.verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request.verify ? 2L : 0L);
}

std::unique_ptr<Exchange> Http::send(const HttpRequest& request, ResponseHandler& handler) {
    auto transfer = std::make_unique<Transfer>();
    transfer->handler = &handler;
    transfer->easy = curl_easy_init();
    if (transfer->easy == nullptr) throw std::bad_alloc();
    Curl::set_up(*transfer, request);
    CURL* const easy = transfer->easy;
    const std::uint64_t id = ++last_id_;
    transfers_.emplace(id, std::move(transfer));
    auto handle = std::make_unique<Handle>(*this, id);
    curl_multi_add_handle(multi_, easy);
    return handle;
}

void Http::process() {
    take_sockets();
    take_results();
    deliver();
    arm();
}

void Http::take_sockets() {
    int running = 0;
    std::array<epoll_event, 16> events;
    const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == timer_.get()) {
            std::uint64_t expirations = 0;
            // Nothing to read only means that the timer was set anew meanwhile.
            [[maybe_unused]] const ssize_t length = ::read(timer_.get(), &expirations, sizeof expirations);
            continue;
        }
        int what = 0;
        if (event.events & EPOLLIN) what |= CURL_CSELECT_IN;
        if (event.events & EPOLLOUT) what |= CURL_CSELECT_OUT;
        if (event.events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
        curl_multi_socket_action(multi_, event.data.fd, what, &running);
    }
    if (curl_due_ > std::chrono::steady_clock::now()) return;
    curl_due_ = TimePoint::max();
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

void Http::take_results() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        Transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        const CURLcode result = message->data.result;
        transfer->ended = true;
        if (result == CURLE_OK && !transfer->answered) transfer->error = "the server closed without an answer";
        if (result == CURLE_OK) continue;
        transfer->error = transfer->error_text[0] != '\0' ? transfer->error_text.data() : curl_easy_strerror(result);
        transfer->error += remedy(result);
    }
}

void Http::deliver() {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, transfer] : transfers_)
        if (transfer->ended || transfer->answered != transfer->told || !transfer->data.empty()) ids.push_back(id);
    for (const std::uint64_t id : ids) deliver(id);
}

/// A handler may take its request back at every step, so the transfer is looked up again before each.
void Http::deliver(std::uint64_t id) {
    const auto find = [&]() -> Transfer* {
        const auto found = transfers_.find(id);
        return found == transfers_.end() ? nullptr : found->second.get();
    };
    if (Transfer* one = find(); one != nullptr && one->answered && !std::exchange(one->told, true))
        one->handler->on_response(one->status, one->retry_after);
    if (Transfer* one = find(); one != nullptr && !one->data.empty()) {
        const std::string data = std::exchange(one->data, {});
        one->handler->on_data(data);
    }
    if (Transfer* one = find(); one != nullptr && std::exchange(one->ended, false)) {
        const std::string error = one->error;
        one->handler->on_end(error);
    }
}

void Http::wake_at(TimePoint when) {
    wake_at_ = when;
    arm();
}

void Http::arm() {
    const TimePoint due = std::min(curl_due_, wake_at_);
    itimerspec when{};
    if (due != TimePoint::max()) {
        // A time of zero would disarm the timer.
        const auto since = std::max<std::int64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(due.time_since_epoch()).count(), 1);
        when.it_value.tv_sec = since / 1'000'000'000;
        when.it_value.tv_nsec = since % 1'000'000'000;
    }
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace viaduct
