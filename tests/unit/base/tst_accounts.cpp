// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "base/accounts.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

using namespace llmproxy;

class TstAccounts : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void sentencesNameUsers();
    void aGroupOfItsUserAlone();
    void otherGroupsAreNot();
};

namespace {

constexpr uid_t unnamed = 4'000'000'000;

// Takes the place of another user for as long as it lives.
class As
{
public:
    explicit As(uid_t user) : m_isSet(seteuid(user) == 0) {}
    ~As()
    {
        if (seteuid(0) != 0)
            qFatal("this process cannot be root again");
    }
    As(const As &) = delete;
    As &operator=(const As &) = delete;
    bool isSet() const { return m_isSet; }

private:
    bool m_isSet;
};

struct Named
{
    uid_t user;
    gid_t group;
    std::string name;
};

std::vector<Named> allUsers()
{
    std::vector<Named> users;
    setpwent();
    while (const passwd *entry = getpwent())
        users.push_back({entry->pw_uid, entry->pw_gid, entry->pw_name});
    endpwent();
    return users;
}

} // namespace

void TstAccounts::sentencesNameUsers()
{
    QCOMPARE(userText(0), std::string("the user root"));
    QCOMPARE(userText(unnamed), std::string("the user 4000000000"));
    QCOMPARE(runAsText(0, 7), std::string("runuser -u root --"));
    QCOMPARE(runAsText(unnamed, 1000), std::string("setpriv --reuid=4000000000 --regid=1000 --clear-groups"));
}

void TstAccounts::aGroupOfItsUserAlone()
{
    if (geteuid() != 0)
        QSKIP("only root takes other users' places");
    const std::vector<Named> users = allUsers();
    int found = 0, others = 0;
    for (const Named &one : users) {
        const group *group = getgrgid(one.group);
        const auto sharers = std::count_if(users.begin(), users.end(), [&](const Named &user) { return user.group == one.group && user.user != one.user; });
        const bool isAlone = group && group->gr_name == one.name && !group->gr_mem[0] && sharers == 0;
        const As user(one.user);
        QVERIFY(user.isSet());
        QVERIFY2(isPrivateGroup(one.group) == isAlone, one.name.c_str());
        ++(isAlone ? found : others);
    }
    QVERIFY2(found > 0 && others > 0, "a system has users of both kinds: daemon, nobody");
}

void TstAccounts::otherGroupsAreNot()
{
    QVERIFY(!isPrivateGroup(unnamed));
    for (const Named &one : allUsers()) {
        if (one.user != geteuid() && one.group != getegid())
            QVERIFY2(!isPrivateGroup(one.group), one.name.c_str());
    }
    if (geteuid() != 0)
        return;
    const As user(unnamed); // a container's, without an entry
    QVERIFY(!isPrivateGroup(0));
    QVERIFY(!isPrivateGroup(unnamed));
}

REGISTER_TEST(TstAccounts)
#include "tst_accounts.moc"
