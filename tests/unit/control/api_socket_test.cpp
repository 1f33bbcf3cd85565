// The local API's socket: whose it is, its life, and clients that are slow, silent or greedy.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "api_fixture.h"

namespace viaduct {
namespace {

class ApiSocketTest : public ApiTest {};

TEST_F(ApiSocketTest, ServesOthersWhileSomeAreSilent) {
    // Who waits for a silent one waits two seconds each time; on a busy machine it may happen once to anybody.
    std::chrono::duration<double> fastest = std::chrono::hours(1);
    for (int tries = 0; tries < 5 && fastest >= std::chrono::seconds(2); ++tries) {
        std::vector<int> silent;
        for (int i = 0; i < 4; ++i) silent.push_back(connect_raw());
        const auto start = std::chrono::steady_clock::now();
        EXPECT_EQ(get("/v1/version")["snapshot"], 1);
        fastest = std::min<std::chrono::duration<double>>(fastest, std::chrono::steady_clock::now() - start);
        for (const int fd : silent) close(fd);
    }
    EXPECT_LT(fastest, std::chrono::seconds(2));
}

TEST_F(ApiSocketTest, SurvivesMoreSilentClientsThanItHasThreads) {
    std::vector<int> silent;
    for (int i = 0; i < 12; ++i) silent.push_back(connect_raw());
    EXPECT_EQ(get("/v1/version")["snapshot"], 1) << "the silent ones were given up";
    for (const int fd : silent) close(fd);
}

TEST_F(ApiSocketTest, GivesUpMoreDrippingClientsThanItHasThreads) {
    std::vector<int> dripping;
    for (int i = 0; i < 12; ++i) dripping.push_back(connect_raw());
    const std::jthread drip([&](const std::stop_token& enough) {
        while (!enough.stop_requested()) {
            for (const int fd : dripping) send(fd, "G", 1, MSG_NOSIGNAL);
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    });
    EXPECT_EQ(get("/v1/version")["snapshot"], 1) << "a byte now and then is no request";
}

TEST_F(ApiSocketTest, ServesWhileALargeAnswerIsNotRead) {
    gateway.view.connection_rows.resize(20'000);
    const int greedy = connect_raw();
    const std::string request = "GET /v1/connections?limit=20000 HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_EQ(::write(greedy, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    EXPECT_EQ(get("/v1/version")["snapshot"], 1);
    close(greedy);
}

TEST_F(ApiSocketTest, IsForItsOwnerAndGroup) {
    struct stat status {};
    ASSERT_EQ(stat(gateway.socket.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0660);
}

/// What the server says when it may not start on the gateway's socket.
std::string refusal(FakeGateway& gateway) {
    try {
        const ApiServer server(gateway.socket, gateway.subject());
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST_F(ApiSocketTest, RespectsALiveGateway) {
    EXPECT_NE(refusal(gateway).find("another gateway uses it; stop that one"), std::string::npos);
    EXPECT_EQ(get("/v1/version")["snapshot"], 1) << "and leaves it alone";
}

TEST(ApiSocket, ReplacesTheOneOfADeadGateway) {
    FakeGateway gateway;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(gateway.socket, address.sun_path);
    const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(dead, static_cast<sockaddr*>(static_cast<void*>(&address)), sizeof address), 0);
    close(dead);
    EXPECT_EQ(refusal(gateway), "");
    EXPECT_FALSE(std::filesystem::exists(gateway.socket)) << "gone with its server";
}

TEST(ApiSocket, LeavesOtherFilesAlone) {
    FakeGateway gateway;
    std::ofstream(gateway.socket) << "precious";
    EXPECT_NE(refusal(gateway).find("this is not a socket"), std::string::npos);
    EXPECT_TRUE(std::filesystem::exists(gateway.socket));
}

TEST(ApiSocket, MakesItsDirectoryAndChecksTheLength) {
    FakeGateway gateway;
    gateway.socket = gateway.directory.path() / "run/viaduct.sock";
    EXPECT_EQ(refusal(gateway), "");
    gateway.socket = gateway.directory.path() / std::string(120, 'x');
    EXPECT_NE(refusal(gateway).find("the path is too long"), std::string::npos);
}

}  // namespace
}  // namespace viaduct
