// SPDX-License-Identifier: GPL-3.0-only
// Where else the same files can be seen.
#include "mount_aliases.h"
#include "test_registry.h"

using namespace llmproxy;

namespace {

using Paths = std::vector<std::string>;

const std::vector<MountedPlace> &mounts()
{
    static const std::vector<MountedPlace> parsed = parseMounts("22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
                                                                "23 22 0:21 / /proc rw - proc proc rw\n"
                                                                "30 22 254:0 /users/u /srv/copy\\040of\\134home rw shared:1 - ext4 /dev/vda rw\n"
                                                                "31 22 0:40 /@users /data rw - btrfs /dev/sdb rw\n"
                                                                "32 22 0:40 / /top rw - btrfs /dev/sdb rw\n"
                                                                "33 22 254:0 /users/u/tree/data /elsewhere rw - ext4 /dev/vda rw\n"
                                                                "34 22 0:50 / /covered rw - tmpfs tmpfs rw\n"
                                                                "broken\n");
    return parsed;
}

} // namespace

class TstMountAliases : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void linesAreRead()
    {
        QCOMPARE(mounts().size(), size_t{7});
        QCOMPARE(mounts()[2].point, std::string("/srv/copy of\\home"));
        QCOMPARE(mounts()[2].root, std::string("/users/u"));
    }

    void aBindMount()
    {
        QCOMPARE(aliasesOf("/users/u/tree/.env", mounts()), Paths{"/srv/copy of\\home/tree/.env"});
        QCOMPARE(aliasesOf("/srv/copy of\\home/tree/.env", mounts()), Paths{"/users/u/tree/.env"});
        QCOMPARE(aliasesOf("/users/u/tree/data", mounts()), (Paths{"/srv/copy of\\home/tree/data", "/elsewhere"}));
        QCOMPARE(aliasesOf("/elsewhere/llm-proxy.db", mounts()), (Paths{"/users/u/tree/data/llm-proxy.db", "/srv/copy of\\home/tree/data/llm-proxy.db"}));
    }

    void aVolumeAndItsTop()
    {
        QCOMPARE(aliasesOf("/data/u/.env", mounts()), Paths{"/top/@users/u/.env"});
        QCOMPARE(aliasesOf("/top/other", mounts()), Paths());
    }

    void nothingElse()
    {
        QCOMPARE(aliasesOf("/users/user/x", mounts()), Paths()); // begins like /users/u
        QCOMPARE(aliasesOf("/covered/x", mounts()), Paths());
        QCOMPARE(aliasesOf("/x", {}), Paths());
    }
};

REGISTER_TEST(TstMountAliases)
#include "tst_mount_aliases.moc"
