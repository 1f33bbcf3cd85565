// The directory source under real edits: what editors, deployments and accidents do to files.
#include "control/sources/directory_source.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "temporary_directory.h"

namespace viaduct {
namespace {

namespace fs = std::filesystem;

std::string node_yaml(const std::string& name, const std::string& zone = "a") {
    return "---\nkind: Node\nmetadata: {name: " + name + ", labels: {topology.kubernetes.io/zone: " + zone + "}}\n";
}

class DirectorySourceTest : public ::testing::Test {
protected:
    void open() {
        source_ = std::make_unique<DirectorySource>(SourceConfig{"files", "directory", path().string(), ""}, "demo");
    }
    /// Waits for an event and processes it; false when none comes.
    bool changed() {
        pollfd wait{source_->fd(), POLLIN, 0};
        return poll(&wait, 1, 1000) == 1 && source_->process();
    }
    std::string nodes() const {
        std::string names;
        for (const auto& one : source_->objects().nodes) names += one->key.name + "=" + one->zone + " ";
        return names;
    }
    std::string errors() const {
        std::string text;
        for (const std::string& error : source_->status().errors) text += error + "\n";
        return text;
    }
    const fs::path& path() const { return directory_.path(); }

    TemporaryDirectory directory_;
    std::unique_ptr<DirectorySource> source_;
};

TEST_F(DirectorySourceTest, ReadsAllManifestsAndNothingElse) {
    directory_.write("a.yaml", node_yaml("one") + node_yaml("two"));
    directory_.write("b.json", R"({"kind": "Node", "metadata": {"name": "three"}})");
    directory_.write(".hidden.yaml", node_yaml("hidden"));
    directory_.write("notes.txt", "no: [yaml");
    fs::create_directory(path() / "folder.yaml");
    open();
    EXPECT_EQ(nodes(), "one=a two=a three= ");
    EXPECT_EQ(source_->status().objects.at("Node"), 3U);
    EXPECT_TRUE(source_->status().synced);
    EXPECT_EQ(errors(), "");
}

TEST_F(DirectorySourceTest, FollowsCreationEditRenameAndDeletion) {
    open();
    directory_.write("a.yaml", node_yaml("one"));
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=a ");
    directory_.write("a.yaml", node_yaml("one", "b"));
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=b ");
    fs::rename(path() / "a.yaml", path() / "z.yaml");
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=b ");
    fs::rename(path() / "z.yaml", path() / "z.bak");
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "");
    fs::rename(path() / "z.bak", path() / "z.yaml");
    ASSERT_TRUE(changed());
    fs::remove(path() / "z.yaml");
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "");
}

TEST_F(DirectorySourceTest, EditorsThatReplaceTheFile) {
    directory_.write("a.yaml", node_yaml("one"));
    open();
    directory_.write(".a.yaml.tmp", node_yaml("one", "b"));
    fs::rename(path() / ".a.yaml.tmp", path() / "a.yaml");
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=b ");
}

TEST_F(DirectorySourceTest, HalfWrittenFilesAreNotRead) {
    directory_.write("a.yaml", node_yaml("one"));
    open();
    std::ofstream file(path() / "a.yaml");  // truncates
    file << "---\nkind: Node\n" << std::flush;
    directory_.write("b.yaml", node_yaml("two"));
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=a two=a ");
    file << "metadata: {name: one, labels: {topology.kubernetes.io/zone: c}}\n";
    file.close();
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=c two=a ");
}

TEST_F(DirectorySourceTest, ConfigMapMountsSwapAsAWhole) {
    fs::create_directories(path() / "..1");
    directory_.write("..1/a.yaml", node_yaml("one"));
    fs::create_directory_symlink("..1", path() / "..data");
    fs::create_symlink("..data/a.yaml", path() / "a.yaml");
    open();
    EXPECT_EQ(nodes(), "one=a ");
    fs::create_directories(path() / "..2");
    directory_.write("..2/a.yaml", node_yaml("one", "b"));
    fs::create_directory_symlink("..2", path() / "..data_tmp");
    fs::rename(path() / "..data_tmp", path() / "..data");
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=b ");
}

TEST_F(DirectorySourceTest, BrokenFileKeepsItsLastGoodObjects) {
    directory_.write("a.yaml", node_yaml("one"));
    directory_.write("b.yaml", node_yaml("two"));
    open();
    directory_.write("a.yaml", "kind: Node\nmetadata: {name: [\n");
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=a two=a ");
    EXPECT_NE(errors().find("a.yaml:3: "), std::string::npos) << errors();
    directory_.write("a.yaml", node_yaml("one", "b"));
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=b two=a ");
    EXPECT_EQ(errors(), "");
}

TEST_F(DirectorySourceTest, MalformedObjectKeepsItsLastGoodSelf) {
    directory_.write("a.yaml", node_yaml("one") + node_yaml("two"));
    open();
    directory_.write("a.yaml", "kind: Node\nmetadata: {name: one, labels: 7}\n" + node_yaml("two", "b"));
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "two=b one=a ");
    EXPECT_NE(errors().find("a.yaml:2: Node one: metadata.labels must be a map"), std::string::npos) << errors();
}

TEST_F(DirectorySourceTest, FirstFileKeepsAnObjectOfTwo) {
    directory_.write("b.yaml", node_yaml("one", "b"));
    open();
    directory_.write("a.yaml", node_yaml("one", "a"));
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=a ");
    EXPECT_NE(errors().find("b.yaml: Node one is in a.yaml too, which keeps it"), std::string::npos) << errors();
    fs::remove(path() / "a.yaml");
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=b ");
    EXPECT_EQ(errors(), "");
}

TEST_F(DirectorySourceTest, SameContentIsNoChange) {
    directory_.write("a.yaml", node_yaml("one"));
    open();
    const auto before = source_->objects().nodes.at(0);
    directory_.write("a.yaml", node_yaml("one"));
    EXPECT_FALSE(changed());
    directory_.write("a.yaml", node_yaml("one") + node_yaml("two"));
    ASSERT_TRUE(changed());
    EXPECT_EQ(source_->objects().nodes.at(0), before) << "the object that stayed the same is the same one";
}

TEST_F(DirectorySourceTest, DirectoryThatGoesAndComesBack) {
    const fs::path nested = path() / "cluster.d";
    fs::create_directory(nested);
    directory_.write("cluster.d/a.yaml", node_yaml("one"));
    source_ = std::make_unique<DirectorySource>(SourceConfig{"files", "directory", nested.string(), ""}, "demo");
    fs::rename(nested, path() / "away");
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "one=a ");
    EXPECT_NE(errors().find("the directory is gone"), std::string::npos);
    fs::create_directory(nested);
    directory_.write("cluster.d/a.yaml", node_yaml("two"));
    ASSERT_TRUE(source_->process());
    EXPECT_EQ(nodes(), "two=a ");
    EXPECT_EQ(errors(), "");
    directory_.write("cluster.d/b.yaml", node_yaml("three"));
    ASSERT_TRUE(changed());
    EXPECT_EQ(nodes(), "two=a three=a ");
}

TEST_F(DirectorySourceTest, NoDirectoryNamesTheRemedy) {
    try {
        DirectorySource source({"files", "directory", "/nonexistent", ""}, "demo");
        FAIL() << "accepted";
    } catch (const std::runtime_error& error) {
        EXPECT_EQ(std::string(error.what()),
                  "source files: /nonexistent cannot be watched (No such file or directory): create the directory, or "
                  "correct path in [source.files]");
    }
}

}  // namespace
}  // namespace viaduct
