// SPDX-License-Identifier: GPL-3.0-only
// The whole console before a fake server, without a screen: what a person sees is found by its accessible name, and pressed with
// key and mouse events. Thread: GUI.
#pragma once

#include "fake_server.h"
#include "sample_answers.h"
#include "shell/main_window.h"
#include "widgets/table.h"

#include <QTest>

namespace llmproxy::test {

class Stage
{
public:
    explicit Stage(const std::function<void(FakeHost &)> &prepare = {}); // opens the window and waits for its first overview
    ~Stage();

    FakeServer &server() { return *host.server; }
    // Opens a page and waits until it has asked for what it shows.
    ui::Page *page(const QString &id);
    ui::Table *table(const QString &pageId);
    void chooseRow(ui::Table *table, int row);
    // Which row has this text; -1: none.
    static int rowOf(const ui::Table *table, const QString &text);
    // The action of a page by its text.
    static QAction *action(ui::Page *page, const QString &text);

    FakeHost host;
    ui::Session session{host};
    ui::MainWindow window{host, session};
};

// What it is called to people who do not see it.
QString nameOf(QWidget *widget);
// Below a widget, visible, by that name; null: there is none.
template <typename Widget>
Widget *find(QWidget *where, const QString &name)
{
    for (Widget *one : where->findChildren<Widget *>()) {
        if (one->isVisible() && nameOf(one) == name)
            return one;
    }
    return nullptr;
}
void press(QWidget *where, const QString &button);
void type(QWidget *where, const QString &field, const QString &text);
// Some visible label has it.
bool says(QWidget *where, const QString &part);
// The window that is in front: the newest dialog, else null.
QDialog *dialog();
// Presses a button of the next question as soon as it is asked, and keeps what it said.
class Answering final : public QObject
{
public:
    explicit Answering(const QString &button);
    bool isAsked() const { return m_asked; }
    const QString &question() const { return m_question; }

private:
    QString m_button, m_question;
    bool m_asked = false;
    QTimer m_timer;
};

} // namespace llmproxy::test
