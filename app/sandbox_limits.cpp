// SPDX-License-Identifier: GPL-3.0-only
#include "sandbox_limits.h"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// linux/landlock.h of Linux 6.12; Debian 12's has no scopes.
struct LandlockRuleset
{
    uint64_t handledAccessFs = 0;
    uint64_t handledAccessNet = 0;
    uint64_t scoped = 0;
};
struct [[gnu::packed]] LandlockPath
{
    uint64_t allowedAccess = 0;
    int32_t parent = -1;
};
constexpr uint64_t scopeAbstractSockets = 1, scopeSignals = 2, accessMakeChar = 1U << 6, accessRefer = 1U << 13;
constexpr long abiWithScopes = 6, abiWithRefer = 2;
constexpr unsigned long landlockVersion = 1, pathBeneath = 1;

long landlockAbi()
{
    return syscall(SYS_landlock_create_ruleset, nullptr, 0, landlockVersion);
}

bool enterDomain(const LandlockRuleset &ruleset, size_t size, uint64_t allowedEverywhere)
{
    const int fd = static_cast<int>(syscall(SYS_landlock_create_ruleset, &ruleset, size, 0));
    if (fd < 0)
        return false;
    bool isGood = true;
    if (allowedEverywhere != 0) {
        const int root = open("/", O_PATH | O_CLOEXEC);
        const LandlockPath rule{allowedEverywhere, root};
        isGood = syscall(SYS_landlock_add_rule, fd, pathBeneath, &rule, 0) == 0;
        close(root);
    }
    isGood = isGood && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return isGood;
}

// Any domain closes what is outside it to ptrace and /proc/PID. One that handles access to files also refuses mount(2), which agents'
// own sandboxes need, so it is taken only where nothing else closes /proc.
bool enterFileDomain()
{
    constexpr uint64_t handled = accessRefer | accessMakeChar; // refused without being handled, and what nobody may do anyway
    return enterDomain({handled, 0, 0}, sizeof(uint64_t), handled);
}

bool addRefusal(scmp_filter_ctx filter, unsigned long request)
{
    // The kernel looks at 32 bits of the request.
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, request)) == 0;
}

// Input on the terminal that sends a signal (SIGIO, or what F_SETSIG says) to the group in its foreground, which may be the caller's shell.
bool refuseAsync(scmp_filter_ctx filter)
{
    bool isGood = addRefusal(filter, FIOASYNC);
    for (const int number : {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)})
        isGood = isGood && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 2, SCMP_A1(SCMP_CMP_EQ, F_SETFL), SCMP_A2(SCMP_CMP_MASKED_EQ, O_ASYNC, O_ASYNC)) == 0;
    return isGood;
}

// As root, tar and rsync -a give files their owner back and call it an error when they cannot. In the sandbox root is the only owner that
// there is, so what they ask for is said to be done, as fakeroot does; a change to root itself the kernel answers.
bool addOwners(scmp_filter_ctx filter)
{
    struct Call
    {
        int number;
        unsigned user; // which argument; the next one is the group
    };
    static const Call calls[] = {{SCMP_SYS(chown), 1}, {SCMP_SYS(lchown), 1}, {SCMP_SYS(fchown), 1}, {SCMP_SYS(fchownat), 2}, {SCMP_SYS(chown32), 1}, {SCMP_SYS(lchown32), 1}, {SCMP_SYS(fchown32), 1}};
    for (const Call &call : calls) {
        for (const unsigned argument : {call.user, call.user + 1}) {
            if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), call.number, 1, SCMP_CMP64(argument, SCMP_CMP_GT, 0)) != 0)
                return false;
        }
    }
    return true;
}

// A 64-bit kernel runs 32-bit programs too, whose ioctl has another number.
void addOtherArchitectures(scmp_filter_ctx filter)
{
    switch (seccomp_arch_native()) {
    case SCMP_ARCH_X86_64:
        seccomp_arch_add(filter, SCMP_ARCH_X86);
        seccomp_arch_add(filter, SCMP_ARCH_X32);
        break;
    case SCMP_ARCH_AARCH64:
        seccomp_arch_add(filter, SCMP_ARCH_ARM);
        break;
    default:
        break;
    }
}

} // namespace

std::string SandboxLimits::text() const
{
    return {hidesAbstract ? '1' : '0', hidesSignals ? '1' : '0', hidesMemory ? '1' : '0'};
}

SandboxLimits SandboxLimits::parse(std::string_view text)
{
    const auto isSet = [text](size_t at) { return text.size() == 3 && text[at] == '1'; };
    return {isSet(0), isSet(1), isSet(2)};
}

SandboxLimits limitSandbox(SandboxProc proc, bool keepsAbstract)
{
    SandboxLimits limits;
    const long abi = landlockAbi();
    const uint64_t scope = scopeSignals | (keepsAbstract ? 0 : scopeAbstractSockets);
    if (abi >= abiWithScopes && enterDomain({0, 0, scope}, sizeof(LandlockRuleset), 0))
        return {!keepsAbstract, true, true};
    if (proc == SandboxProc::Shared && abi >= abiWithRefer)
        limits.hidesMemory = enterFileDomain();
    return limits;
}

bool filterSystemCalls(bool isRoot, bool refusesAsync)
{
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return false;
    addOtherArchitectures(filter);
    const bool isLoaded = addRefusal(filter, TIOCSTI) && addRefusal(filter, TIOCLINUX) && (!isRoot || addOwners(filter)) && (!refusesAsync || refuseAsync(filter)) && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return isLoaded;
}

} // namespace llmproxy
