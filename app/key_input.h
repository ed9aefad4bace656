// SPDX-License-Identifier: GPL-3.0-only
// A provider key for a command: from stdin, or a reference to where it is kept. Never a plain argument:
// other processes can read arguments, and shells remember them. Thread: main.
#pragma once

#include "secrets/secret.h"

#include <CLI/CLI.hpp>
#include <QByteArray>
#include <QJsonObject>

#include <string>

namespace llmproxy {

class KeyInput
{
public:
    void addOptions(CLI::App *command);
    // ExitOk, or the code after a sentence. Reads stdin when asked to.
    int read();
    bool isGiven() const { return m_fromStdin || !m_reference.empty(); }
    // The fields with "api_key" added when one was given. The caller wipes it (wipeBody).
    QByteArray bodyWith(const QJsonObject &fields) const;

private:
    bool m_fromStdin = false;
    std::string m_reference;
    Secret m_key;
};

void wipeBody(QByteArray &body);

// One line of stdin without its end; on a terminal it asks and does not echo. Nothing longer than 8 KiB.
int readSecretLine(const char *what, Secret &secret);

} // namespace llmproxy
