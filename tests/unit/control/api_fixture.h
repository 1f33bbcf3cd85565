// A served API of a fake gateway, and clients of its socket.
#pragma once

#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/un.h>

#include "control/api/json.h"
#include "fake_gateway.h"

namespace viaduct {

class ApiTest : public ::testing::Test {
protected:
    httplib::Result request(const std::string& path) {
        httplib::Client client(gateway.socket);
        client.set_address_family(AF_UNIX);
        client.set_read_timeout(20);  // seconds: others may have to be given up first
        return client.Get(path);
    }
    Json get(const std::string& path) {
        const auto result = request(path);
        EXPECT_TRUE(result) << path;
        EXPECT_EQ(result->status, 200) << path << result->body;
        return Json::parse(result->body);
    }
    Json error(const std::string& path, int status) {
        const auto result = request(path);
        EXPECT_TRUE(result) << path;
        EXPECT_EQ(result->status, status) << path;
        return Json::parse(result->body)["error"];
    }
    /// A connected raw client of the API's socket.
    int connect_raw() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(gateway.socket, address.sun_path);
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(connect(fd, static_cast<sockaddr*>(static_cast<void*>(&address)), sizeof address), 0);
        return fd;
    }

    FakeGateway gateway;
    ApiServer server{gateway.socket, gateway.subject()};
};

}  // namespace viaduct
