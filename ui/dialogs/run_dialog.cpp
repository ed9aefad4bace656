// SPDX-License-Identifier: GPL-3.0-only
#include "dialogs/run_dialog.h"

#include "client/terminals.h"
#include "style/format.h"
#include "widgets/copy.h"

#include <QCheckBox>
#include <QComboBox>
#include <QCoreApplication>
#include <QDir>
#include <QFileDialog>
#include <QLineEdit>
#include <QRegularExpression>
#include <QSettings>

#include <pwd.h>
#include <unistd.h>

#include <limits>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

const QString folderKey = u"run/folder"_s, commandKey = u"run/command"_s;

QString usualShell()
{
    const QString shell = qEnvironmentVariable("SHELL");
    const passwd *const entry = shell.isEmpty() ? getpwuid(getuid()) : nullptr;
    return !shell.isEmpty() ? shell : entry && entry->pw_shell[0] != '\0' ? QString::fromLocal8Bit(entry->pw_shell) : u"/bin/sh"_s;
}

QString realPath(const QString &path)
{
    const QString canonical = QFileInfo(path).canonicalFilePath();
    return canonical.isEmpty() ? QDir::cleanPath(path) : canonical;
}

// What `--ttl` takes: a positive number and its unit, in all less than what milliseconds can count.
bool isLifetime(const QString &text)
{
    static const QRegularExpression form(uR"(\A([0-9]+)(ms|s|m|h|d)\z)"_s);
    static const QHash<QString, qint64> unitMs{{u"ms"_s, 1}, {u"s"_s, 1'000}, {u"m"_s, 60'000}, {u"h"_s, 3'600'000}, {u"d"_s, 86'400'000}};
    const QRegularExpressionMatch match = form.match(text);
    const qint64 count = match.captured(1).toLongLong(); // 0: too long a number
    return match.hasMatch() && count > 0 && unitMs.value(match.captured(2)) <= std::numeric_limits<qint64>::max() / 1'000 / count;
}

QWidget *withButton(QLineEdit *edit, QPushButton *beside)
{
    auto *cell = new QWidget;
    auto *row = new QHBoxLayout(cell);
    row->setContentsMargins(0, 0, 0, 0);
    row->addWidget(edit, 1);
    row->addWidget(beside);
    cell->setFocusProxy(edit);
    return cell;
}

} // namespace

QString whyNoRun(const Client &client)
{
    return client.isRemote() ? RunDialog::tr("Only for the engine on this computer. For a server elsewhere use llm-proxy run --url") : QString();
}

RunDialog::RunDialog(const QJsonArray &projects, const QString &projectId, const QString &dataDir, QWidget *parent)
    : FormDialog(tr("Run with a token"),
                 tr("Opens a terminal in which the command has an access token of its own. The token is revoked when the command ends. With bubblewrap the command does not see keys, "
                    "the data directory, this window and other processes."),
                 tr("Open terminal"), parent),
      m_dataDir(QDir(dataDir).absolutePath()), m_project(new QComboBox), m_command(new QLineEdit), m_folder(new QLineEdit), m_lifetime(new QLineEdit(u"2h"_s)), m_models(new QLineEdit),
      m_line(new QLineEdit), m_required(new QCheckBox(tr("Do not start the command if it cannot be isolated")))
{
    for (const QJsonValue &one : projects) {
        const QJsonObject project = one.toObject();
        if (project.value("is_active"_L1).toBool())
            m_project->addItem(shown(project.value("name"_L1).toString(), longestCell), project.value("id"_L1).toString());
    }
    m_project->setCurrentIndex(std::max(0, m_project->findData(projectId)));
    const QSettings settings;
    m_command->setText(settings.value(commandKey, shellText({usualShell()})).toString());
    m_folder->setText(settings.value(folderKey, QDir::homePath()).toString());
    m_models->setPlaceholderText(tr("Every model; or gpt-4o*, o3"));
    m_required->setChecked(true);
    m_line->setReadOnly(true);
    QPushButton *choose = button(tr("Choose …"));
    connect(choose, &QPushButton::clicked, this, &RunDialog::chooseFolder);
    addField(u"project_id"_s, tr("Project"), m_project);
    addField(u"command"_s, tr("Command"), m_command, tr("As you would type it in a shell"));
    addField(u"folder"_s, tr("Working directory"), withButton(m_folder, choose));
    addField(u"ttl"_s, tr("Lifetime"), m_lifetime, tr("Such as 30m, 2h or 1d"));
    addField(u"models"_s, tr("Models"), m_models);
    addBelow(m_required);
    addField(u"line"_s, tr("Command line"), withButton(m_line, copyButton(tr("Copy command line"), [this] { return m_line->text(); }, false)), tr("To paste into another terminal"));
    m_folder->setAccessibleName(tr("Working directory"));
    m_line->setAccessibleName(tr("Command line"));
    for (QLineEdit *edit : {m_command, m_folder, m_lifetime, m_models})
        connect(edit, &QLineEdit::textChanged, this, &RunDialog::showCommand);
    connect(m_project, &QComboBox::currentIndexChanged, this, &RunDialog::showCommand);
    connect(m_required, &QCheckBox::toggled, this, &RunDialog::showCommand);
    showCommand();
    m_command->setFocus();
}

QStringList RunDialog::command() const
{
    QStringList words{QCoreApplication::applicationFilePath(), u"run"_s, u"--data-dir"_s, m_dataDir, u"--project"_s, m_project->currentData().toString(), u"--ttl"_s, m_lifetime->text().trimmed()};
    for (const QString &model : m_models->text().split(u',')) {
        if (!model.trimmed().isEmpty())
            words += {u"--model"_s, model.trimmed()};
    }
    if (m_required->isChecked())
        words.append(u"--require-isolation"_s);
    return words + QStringList{u"--"_s} + typedCommand(m_command->text());
}

void RunDialog::showCommand()
{
    m_line->setText(shellText(command()));
    m_line->setCursorPosition(0);
}

void RunDialog::chooseFolder()
{
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Working directory"), m_folder->text());
    if (!folder.isEmpty())
        m_folder->setText(folder);
}

bool RunDialog::isComplete()
{
    clearProblems();
    const QString folder = realPath(m_folder->text()), hidden = realPath(m_dataDir);
    QString field, problem;
    if (m_project->currentData().toString().isEmpty())
        std::tie(field, problem) = std::pair(u"project_id"_s, tr("There is no active project."));
    else if (m_command->text().trimmed().isEmpty())
        std::tie(field, problem) = std::pair(u"command"_s, tr("A command is needed, such as a shell or an agent."));
    else if (folder == hidden || folder.startsWith(hidden + u'/'))
        std::tie(field, problem) = std::pair(u"folder"_s, tr("The data directory is hidden from the command; choose another folder."));
    else if (!QFileInfo(folder).isDir())
        std::tie(field, problem) = std::pair(u"folder"_s, tr("There is no such folder."));
    else if (!isLifetime(m_lifetime->text().trimmed()))
        std::tie(field, problem) = std::pair(u"ttl"_s, tr("Not a duration; write 30m, 2h or 1d."));
    if (!problem.isEmpty())
        showProblem(field, problem);
    return problem.isEmpty();
}

void RunDialog::submit()
{
    if (!isComplete())
        return;
    const auto terminal = findTerminal();
    if (!terminal) {
        showProblem({}, tr("No terminal program was found. Looked for: %1. Copy the command line and run it in a terminal.").arg(terminalNames().join(u", "_s)));
        return;
    }
    const QString folder = realPath(m_folder->text());
    if (!openTerminal(*terminal, keptOpen(command(), folder, tr("Press Enter to close.")), folder)) {
        showProblem({}, tr("%1 could not be started. Copy the command line and run it in a terminal.").arg(terminal->path));
        return;
    }
    QSettings settings;
    settings.setValue(commandKey, m_command->text());
    settings.setValue(folderKey, m_folder->text());
    Q_EMIT opened(QFileInfo(terminal->path).fileName());
    accept();
}

} // namespace llmproxy::ui
