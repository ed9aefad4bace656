// SPDX-License-Identifier: GPL-3.0-only
// What the console needs from the program that opens it: an engine of its own to start and stop, and ways to servers. The
// console itself knows only requests and answers of the management API. Implemented by app/desktop_host.
#pragma once

#include "secrets/secret.h"

#include <QByteArray>
#include <QJsonObject>
#include <QList>
#include <QPair>
#include <QString>
#include <QStringList>

#include <functional>
#include <memory>

namespace llmproxy::ui {

using Query = QList<QPair<QString, QString>>;

struct Reply
{
    int status = 0;   // 0: no answer; problem says why
    QJsonObject body;
    QString problem;

    bool ok() const { return status >= 200 && status < 300; }
    bool isRefused() const { return status == 401 || status == 403; } // the management token, or this address
};

// Who was refused asks no sooner again: each refusal counts there against this address.
constexpr int refusedPauseMs = 30'000;

// A server to look after. Its calls block: any thread but the GUI's.
class Peer
{
public:
    virtual ~Peer() = default;
    virtual Reply call(const QByteArray &method, const QString &path, const Query &query, const QByteArray &body) = 0;
    // A long answer, piece by piece, until sink says false; asked without bytes about once a second whether to go on.
    using Sink = std::function<bool(const QByteArray &bytes)>;
    virtual Reply stream(const QString &path, const Query &query, const Sink &sink) = 0;
    // Nobody waits for its calls any more: they end within about a second, those to come at once. Any thread.
    virtual void abort() {}
};

struct RemoteServer
{
    QString name, url;
    QString pin;         // "sha256//base64" of its public key; empty: its certificate's issuer is trusted
    SharedSecret token;  // management token
};

// Whom one would talk to at an https address.
struct ServerIdentity
{
    bool isReachable = false;
    bool isTrusted = false;      // its certificate is good as it stands
    QString pin, subject, issuer, expires;
    QString problem;             // why not reachable, or not trusted
};

class ConsoleHost
{
public:
    virtual ~ConsoleHost() = default;

    virtual QString dataDir() const = 0;
    virtual bool isDemo() const = 0;
    virtual QString demoFolder() const = 0; // demo only: is removed whatever ends the program
    // Demo only: what the engine takes for the time moves by so much, so that pictures have a past to show.
    virtual void shiftDemoClock(qint64 ms) = 0;
    virtual QString screenshotDir() const = 0;      // empty: none are asked for
    virtual QStringList settingProblems() const = 0; // one sentence each; the console shows them and ends
    virtual int signalDescriptor() const = 0;       // readable when the program is asked to end

    // All on one thread, that keeps living; both may take seconds. What went wrong, or empty.
    // onFreePort: whatever LISTEN_ADDR says of the port, until the program ends.
    virtual QString startEngine(bool onFreePort) = 0;
    virtual bool isPortTaken() const = 0; // why the last start failed: LISTEN_ADDR is another program's
    virtual void stopEngine() = 0;
    // Of the engine that runs here, between the two: what stopping it would cut, and how long that may take to end by itself.
    virtual qint64 runningRequests() const = 0;
    virtual qint64 drainTimeoutMs() const = 0;
    // True: another process (--serve) owns the data directory; its engine is looked after, not ours to stop.
    virtual bool isAttached() const = 0;

    // Of the engine that runs here, or that is attached. Any thread, after startEngine().
    virtual std::unique_ptr<Peer> local() = 0;
    virtual std::unique_ptr<Peer> remote(const RemoteServer &server) = 0;
    virtual ServerIdentity identify(const QString &url) = 0; // blocks
};

} // namespace llmproxy::ui

// The module's one entry point; the console's exit code. Thread: main.
extern "C" int llmProxyConsole(llmproxy::ui::ConsoleHost *host, char *program);
