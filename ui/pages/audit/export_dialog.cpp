// SPDX-License-Identifier: GPL-3.0-only
#include "pages/audit/export_dialog.h"

#include "client/apart.h"
#include "style/format.h"
#include "widgets/parts.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDateTime>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QLineEdit>
#include <QStandardPaths>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

// Everything but the last line goes into the file; the last line is the proof. Thread: the export's.
struct ProofSplitter
{
    QSaveFile &file;
    bool hasProof;
    QByteArray last;

    bool take(const QByteArray &bytes)
    {
        if (!hasProof)
            return file.write(bytes) == bytes.size();
        last += bytes;
        const qsizetype end = last.size() < 2 ? -1 : last.lastIndexOf('\n', last.size() - 2);
        if (end < 0)
            return true;
        const bool good = file.write(last.constData(), end + 1) == end + 1;
        last.remove(0, end + 1);
        return good;
    }
};

QString writeFiles(Peer &peer, const Query &query, const QString &path, bool hasProof, std::atomic<bool> &stopped, std::atomic<qint64> &count)
{
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly))
        return ExportDialog::tr("%1 cannot be written: %2").arg(path, file.errorString());
    file.setPermissions(QFile::ReadOwner | QFile::WriteOwner);
    ProofSplitter splitter{file, hasProof, {}};
    bool isWritten = true;
    const Reply reply = peer.stream(u"/manage/audit/export"_s, query, [&](const QByteArray &bytes) {
        isWritten = splitter.take(bytes);
        count += bytes.size();
        return isWritten && !stopped;
    });
    if (stopped)
        return ExportDialog::tr("Stopped; no file was written.");
    if (!isWritten || (reply.ok() && !file.commit()))
        return ExportDialog::tr("%1 cannot be written: %2").arg(path, file.errorString());
    if (!reply.ok())
        return sentenceOf(reply);
    if (!hasProof)
        return {};
    QSaveFile proof(path + u".proof"_s);
    const bool good = proof.open(QIODevice::WriteOnly) && proof.write(splitter.last) == splitter.last.size() && proof.commit();
    return good ? QString() : ExportDialog::tr("%1 cannot be written: %2").arg(proof.fileName(), proof.errorString());
}

} // namespace

ExportDialog::ExportDialog(Client &client, const Query &filter, QWidget *parent)
    : FormDialog(tr("Export audit events"), filter.isEmpty() ? tr("Every event, oldest first.") : tr("The events that the filter shows, oldest first."), tr("Export"), parent), m_client(client),
      m_filter(filter), m_file(new QLineEdit), m_format(new QComboBox), m_proof(new QCheckBox(tr("Add a signed proof, so that the file can be verified on its own"))), m_bar(new QProgressBar)
{
    m_format->addItem(tr("JSON Lines, exactly as logged"), u"jsonl"_s);
    m_format->addItem(tr("CSV, for spreadsheets"), u"csv"_s);
    QString folder = QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation);
    if (folder.isEmpty() || !QDir(folder).exists())
        folder = QDir::homePath();
    m_file->setText(folder + u"/audit-"_s + QDate::currentDate().toString(Qt::ISODate) + u".jsonl"_s);
    auto *row = new QWidget;
    auto *cells = new QHBoxLayout(row);
    cells->setContentsMargins(0, 0, 0, 0);
    cells->addWidget(m_file, 1);
    QPushButton *choose = button(tr("Choose …"));
    connect(choose, &QPushButton::clicked, this, &ExportDialog::chooseFile);
    cells->addWidget(choose);
    row->setFocusProxy(m_file);
    m_file->setAccessibleName(tr("File"));
    addField(u"format"_s, tr("Format"), m_format);
    addField(u"file"_s, tr("File"), row);
    m_proof->setChecked(true);
    addBelow(m_proof);
    m_bar->setAccessibleName(tr("Progress"));
    m_bar->setTextVisible(false);
    m_bar->hide();
    addBelow(m_bar);
    connect(m_format, &QComboBox::currentIndexChanged, this, [this] {
        const QFileInfo was(m_file->text());
        if (const QString end = was.suffix(); end == "jsonl"_L1 || end == "csv"_L1)
            m_file->setText(m_file->text().chopped(end.size()) + m_format->currentData().toString());
    });
    m_timer.callOnTimeout(this, &ExportDialog::ask);
}

ExportDialog::~ExportDialog()
{
    m_stopped = true;
    if (m_thread)
        m_thread->wait();
}

void ExportDialog::chooseFile()
{
    const QString path = QFileDialog::getSaveFileName(this, tr("Export to"), m_file->text());
    if (!path.isEmpty())
        m_file->setText(path);
}

void ExportDialog::submit()
{
    if (m_thread) { // the button says "Stop"
        m_stopped = true;
        setBusy(true);
        return;
    }
    clearProblems();
    const std::shared_ptr<Peer> peer = m_client.peer();
    if (m_file->text().trimmed().isEmpty() || !peer) {
        showProblem(u"file"_s, peer ? tr("Enter a file name.") : tr("No server is connected. Start the engine, or connect to a server."));
        return;
    }
    const QString path = m_file->text().trimmed();
    const bool hasProof = m_proof->isChecked();
    // Not on this thread: a folder may be far away.
    apart(this, [path, hasProof] { return QFileInfo::exists(path) || (hasProof && QFileInfo::exists(path + u".proof"_s)); }, [this, peer, path, hasProof](bool isThere) {
        if (!m_thread && (!isThere || confirmed(this, tr("Replace the file?"), tr("%1 is there already.").arg(path), tr("Replace"), true)))
            begin(peer, path, hasProof);
    });
}

void ExportDialog::begin(const std::shared_ptr<Peer> &peer, const QString &path, bool hasProof)
{
    Query query = m_filter;
    query.append({u"format"_s, m_format->currentData().toString()});
    if (hasProof)
        query.append({u"proof"_s, u"true"_s});
    m_bar->setRange(0, 0);
    m_bar->show();
    acceptButton()->setText(tr("Stop"));
    m_bytes = 0;
    m_thread.reset(QThread::create([this, peer, query, path, hasProof] {
        const QString problem = writeFiles(*peer, query, path, hasProof, m_stopped, m_bytes);
        QMetaObject::invokeMethod(this, [this, problem, path] { finish(problem, path); }, Qt::QueuedConnection);
    }));
    m_thread->start();
    m_timer.start(progressMs);
}

void ExportDialog::ask()
{
    if (std::exchange(m_isAsking, true))
        return;
    m_client.get(u"/manage/audit/verify"_s, {}, this, [this](const Reply &reply) { // the one job that runs
        m_isAsking = false;
        const double total = reply.body.value("events_total"_L1).toDouble(), done = reply.body.value("events_done"_L1).toDouble();
        if (!m_thread || total <= 0)
            return;
        m_bar->setRange(0, 1000);
        m_bar->setValue(static_cast<int>(std::clamp(1000 * done / total, 0.0, 1000.0)));
    });
}

void ExportDialog::reject()
{
    if (!m_thread) {
        FormDialog::reject();
        return;
    }
    m_stopped = m_isClosing = true;
    setBusy(true);
}

void ExportDialog::finish(const QString &problem, const QString &path)
{
    m_timer.stop();
    m_thread->wait();
    m_thread.reset();
    m_stopped = false;
    m_bar->hide();
    acceptButton()->setText(tr("Export"));
    setBusy(false);
    if (m_isClosing && !problem.isEmpty()) {
        QDialog::reject();
        return;
    }
    if (!problem.isEmpty()) {
        showProblem({}, problem);
        return;
    }
    Q_EMIT written(path, m_bytes);
    accept();
}

} // namespace llmproxy::ui
