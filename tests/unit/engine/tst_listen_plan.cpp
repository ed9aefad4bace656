// SPDX-License-Identifier: GPL-3.0-only
// Which sockets a list of addresses becomes.
#include "engine/listen_plan.h"
#include "test_registry.h"

#include <unistd.h>

using namespace llmproxy;

namespace {

ListenAddress at(const char *address, uint16_t port = 0)
{
    return ListenAddress::at(*IpAddress::parse(address), port);
}

ListenAddress named(const char *name, std::initializer_list<const char *> addresses, uint16_t port = 0)
{
    ListenAddress one{name, port, {}};
    for (const char *address : addresses)
        one.addresses.push_back(*IpAddress::parse(address));
    return one;
}

// A port that is free now: nobody else takes one of 127.7.7.7.
uint16_t freePort()
{
    const auto plan = planListeners({at("127.7.7.7")});
    return plan ? plan->points.front().port : uint16_t{0};
}

} // namespace

class TstListenPlan : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aNameHasOnePortOnAllItsAddresses()
    {
        const auto plan = planListeners({named("a.test", {"127.7.7.1", "127.7.7.2"})});
        QVERIFY(plan.ok());
        QCOMPARE(plan->points.size(), size_t{2});
        QVERIFY(plan->points[0].port != 0);
        QCOMPARE(plan->points[0].port, plan->points[1].port);
        QCOMPARE(plan->bound.size(), size_t{1});
        QCOMPARE(plan->bound[0].text(), "a.test:" + std::to_string(plan->points[0].port));
    }

    void linkLocalAddressesOfNamesAreSkipped()
    {
        const auto plan = planListeners({named("a.test", {"fe80::1", "127.7.7.1"})});
        QVERIFY(plan.ok());
        QCOMPARE(plan->points.size(), size_t{1});
        QCOMPARE(plan->skipped.size(), size_t{1});
        QCOMPARE(plan->skipped[0].address, std::string("[fe80::1]:0"));
        QVERIFY(!planListeners({named("a.test", {"fe80::1"})}).ok());
        QVERIFY(!planListeners({at("fe80::1")}).ok());
    }

    void whatAnotherEntryNamesIsThatEntrys()
    {
        const uint16_t port = freePort();
        const auto plan = planListeners({named("a.test", {"127.7.7.7", "127.7.7.8"}, port), at("127.7.7.7", port), named("b.test", {"127.7.7.8"}, port)});
        QVERIFY(plan.ok());
        QCOMPARE(listenText(plan->bound), "a.test:" + std::to_string(port) + "," + at("127.7.7.7", port).text());
        QCOMPARE(plan->points.size(), size_t{2});
        QCOMPARE(plan->points[0].text(), at("127.7.7.8", port).text());
    }

    void bothFamiliesUnlessIpv4HasItsOwn()
    {
        const auto isDualStack = [](const ListenAddresses &wanted) {
            const auto plan = planListeners(wanted);
            return plan.ok() && plan->points.back().isDualStack;
        };
        const uint16_t port = freePort();
        QVERIFY(isDualStack({at("::", port)}));
        QVERIFY(!isDualStack({at("0.0.0.0", port), at("::", port)}));
        QVERIFY(isDualStack({at("127.7.7.7", port), at("::", port)}));
        QVERIFY(!isDualStack({at("::1")}));
    }

    void aTakenPortIsFound()
    {
        uint16_t port = 0;
        ListenProblem problem;
        const int fd = openTcpListener({*IpAddress::parse("127.7.7.7")}, &port, &problem);
        QVERIFY2(fd >= 0, problem.text.c_str());
        const auto plan = planListeners({at("127.7.7.8", port), at("127.7.7.7", port)});
        QVERIFY(!plan.ok());
        QCOMPARE(plan.error().message, "cannot listen on 127.7.7.7:" + std::to_string(port) + ": Address already in use");
        QVERIFY(isPortTaken({at("127.7.7.8", port), at("127.7.7.7", port)}));
        QVERIFY(!isPortTaken({at("127.7.7.8", port)}));
        QVERIFY(!isPortTaken({at("192.0.2.1", port)})); // no address of this machine: another port is no help
        close(fd);
    }

    void anAddressOfAnotherMachineIsAnError()
    {
        for (const ListenAddresses &wanted : {ListenAddresses{at("192.0.2.1")}, {named("a.test", {"127.7.7.7", "192.0.2.1"})}, {named("a.test", {})}})
            QVERIFY(!planListeners(wanted).ok());
    }
};

REGISTER_TEST(TstListenPlan)
#include "tst_listen_plan.moc"
