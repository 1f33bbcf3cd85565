// The source over HTTP/2: nginx, which speaks it, in front of the stand-in server, which does not.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "kubernetes_source_fixture.h"
#include "processes.h"

namespace viaduct {
namespace {

/// nginx as a load balancer before an API server, with that server's certificate.
class Nginx {
public:
    /// After `requests` on a connection it says GOAWAY, as kube-apiserver does now and then (--goaway-chance).
    Nginx(const std::filesystem::path& directory, const std::string& server, unsigned requests)
        : directory_(directory / "nginx"), state_(directory / "state") {
        std::filesystem::create_directories(directory_);
        std::ofstream(directory_ / "nginx.conf") << configuration(server, requests);
        pid_ = fork();
        if (pid_ == 0) run();
        const auto end = Clock::now() + seconds(60);
        while (output_of("curl -sk --max-time 1 -o /dev/null -w '%{http_version}' " + url()) != "2" &&
               Clock::now() < end)
            std::this_thread::sleep_for(milliseconds(50));
    }
    ~Nginx() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }
    Nginx(const Nginx&) = delete;
    Nginx& operator=(const Nginx&) = delete;

    [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + port_; }
    /// Another worker takes over; the old one says GOAWAY, and cuts after a second what has not ended.
    void reload() const { kill(pid_, SIGHUP); }
    /// "HTTP/2.0 7" for each request that has ended, of the gateway's: its protocol and the number of its connection.
    [[nodiscard]] std::multiset<std::string> answered() const {
        std::multiset<std::string> lines;
        std::ifstream log(directory_ / "access.log");
        for (std::string line; std::getline(log, line);)
            if (!line.starts_with("curl")) lines.insert(line.substr(line.rfind('"') + 2));
        return lines;
    }

private:
    [[nodiscard]] std::string configuration(const std::string& server, unsigned requests) const {
        const auto in = [](const std::filesystem::path& path) { return path.string() + ";\n"; };
        return "daemon off;\nuser root;\nworker_processes 1;\nworker_shutdown_timeout 1s;\nerror_log " +
               in(directory_ / "error.log") + "pid " + in(directory_ / "pid") +
               "events {}\nhttp {\nlog_format own '$http_user_agent\" $server_protocol $connection';\naccess_log " +
               (directory_ / "access.log").string() + " own;\nclient_body_temp_path " + in(directory_ / "body") +
               "proxy_temp_path " + in(directory_ / "proxy") + "fastcgi_temp_path " + in(directory_ / "fastcgi") +
               "uwsgi_temp_path " + in(directory_ / "uwsgi") + "scgi_temp_path " + in(directory_ / "scgi") +
               "server {\nlisten 127.0.0.1:" + port_ + " ssl http2;\nssl_certificate " + in(state_ / "server.crt") +
               "ssl_certificate_key " + in(state_ / "server.key") + "keepalive_requests " + std::to_string(requests) +
               ";\nlocation / {\nproxy_pass https://" + server +
               ";\nproxy_http_version 1.1;\nproxy_buffering off;\nproxy_read_timeout 1h;\n}\n}\n}\n";
    }
    [[noreturn]] void run() const {
        const std::string file = directory_ / "nginx.conf", prefix = directory_;
        execlp("/usr/sbin/nginx", "nginx", "-p", prefix.c_str(), "-c", file.c_str(), nullptr);
        _exit(127);
    }

    const std::filesystem::path directory_, state_;
    const std::string port_ = free_port();
    pid_t pid_ = -1;
};

class Http2Test : public KubernetesSourceTest {
protected:
    void start_behind_nginx(unsigned requests) {
        // nginx passes an answer's head on with its first byte only.
        server_ = std::make_unique<ApiServerProcess>(directory_.path(), "--bookmark-seconds 1");
        nginx_ = std::make_unique<Nginx>(directory_.path(), server_->address(), requests);
        open_changed("https://[0-9.]+:[0-9]+", nginx_->url());
    }
    /// How many connections the requests that have ended came by, all of them HTTP/2's.
    [[nodiscard]] std::size_t connections() const {
        const auto lines = nginx_->answered();
        for (const std::string& line : lines) EXPECT_TRUE(line.starts_with("HTTP/2.0 ")) << line;
        return std::set<std::string>(lines.begin(), lines.end()).size();
    }

    std::unique_ptr<Nginx> nginx_;
};

TEST_F(Http2Test, AllRequestsShareOneConnection) {
    start_behind_nginx(1000);
    ASSERT_TRUE(until_nodes("one=a ")) << errors();
    write_node("two", "b");
    ASSERT_TRUE(until_nodes("one=a two=b ")) << errors();
    EXPECT_EQ(errors(), "");
    EXPECT_TRUE(until([&] { return nginx_->answered().size() >= 4; })) << "a list of each kind, once it is logged";
    EXPECT_EQ(connections(), 1U);
}

TEST_F(Http2Test, AServerThatSaysGoAwayLosesNothing) {
    start_behind_nginx(3);
    ASSERT_TRUE(until_nodes("one=a ")) << errors();
    EXPECT_TRUE(source_->status().synced);
    write_node("two", "b");
    ASSERT_TRUE(until_nodes("one=a two=b ")) << errors();
    EXPECT_EQ(errors(), "");
    EXPECT_TRUE(until([&] { return connections() >= 2; })) << "once they are logged";
}

TEST_F(Http2Test, OutlivesTheEndOfEveryStream) {
    start_behind_nginx(1000);
    ASSERT_TRUE(until_nodes("one=a ")) << errors();
    ASSERT_TRUE(until([&] { return nginx_->answered().size() >= 4; })) << "a list of each kind, once it is logged";
    const std::size_t before = nginx_->answered().size();
    nginx_->reload();
    ASSERT_TRUE(until([&] { return nginx_->answered().size() >= before + 4; })) << "the watches were cut";
    write_node("two", "b");
    ASSERT_TRUE(until_nodes("one=a two=b ")) << errors();
    EXPECT_TRUE(until([&] { return errors().empty(); })) << errors();
}

}  // namespace
}  // namespace viaduct
