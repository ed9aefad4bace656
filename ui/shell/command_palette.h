// SPDX-License-Identifier: GPL-3.0-only
// Ctrl+K: every page, every action of every page, and the projects and tokens that the server knows by the typed name.
// Thread: GUI.
#pragma once

#include <QDialog>
#include <QTimer>

#include <functional>
#include <vector>

class QLineEdit;
class QListWidget;

namespace llmproxy::ui {

class MainWindow;

class CommandPalette final : public QDialog
{
    Q_OBJECT
public:
    explicit CommandPalette(MainWindow &window);

private:
    struct Entry
    {
        QString icon, title, hint;
        std::function<void()> run;
    };
    void collect();
    void filter();
    void askServer();
    void addObjects(const QString &path, const QString &icon, const QString &page);
    void choose();
    bool eventFilter(QObject *watched, QEvent *event) override;

    MainWindow &m_window;
    QLineEdit *m_edit;
    QListWidget *m_list;
    std::vector<Entry> m_entries, m_objects;
    std::vector<const Entry *> m_shown;
    QTimer m_typing;
};

} // namespace llmproxy::ui
