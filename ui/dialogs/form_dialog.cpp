// SPDX-License-Identifier: GPL-3.0-only
#include "dialogs/form_dialog.h"

#include "style/format.h"

#include <QComboBox>
#include <QLineEdit>
#include <QMessageBox>
#include <QScreen>
#include <QScrollArea>
#include <QShowEvent>
#include <QStyle>

namespace llmproxy::ui {

namespace {

constexpr int inputHeight = 32, dialogWidth = 560;
constexpr int slowMs = 700;
constexpr int aroundWindow = 40; // what a window manager takes

} // namespace

FormDialog::FormDialog(const QString &title, const QString &explanation, const QString &accept, QWidget *parent)
    : QDialog(parent), m_column(new QVBoxLayout(this)), m_form(new QFormLayout), m_problem(wrapped({}, "problem")), m_waiting(wrapped(tr("Waiting for the server …"), "muted")), m_accept(button(accept, {}, "primary"))
{
    setWindowTitle(title);
    setAttribute(Qt::WA_DeleteOnClose);
    setModal(true);
    m_column->setContentsMargins(Theme::margin, Theme::margin, Theme::margin, Theme::margin);
    m_column->setSpacing(14);
    m_column->setSizeConstraint(QLayout::SetMinimumSize);
    m_column->addStrut(dialogWidth);
    m_column->addWidget(label(title, "title"));
    if (!explanation.isEmpty())
        m_column->addWidget(wrapped(explanation, "muted"));
    m_form->setSpacing(10);
    m_form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    m_form->setLabelAlignment(Qt::AlignLeft | Qt::AlignTop);
    m_column->addLayout(m_form);
    m_problem->hide();
    m_column->addWidget(m_problem);
    m_waiting->hide();
    m_column->addWidget(m_waiting);
    m_slow.setSingleShot(true);
    m_slow.setInterval(slowMs);
    m_slow.callOnTimeout(m_waiting, &QWidget::show);
    m_column->addStretch();
    auto *row = new QHBoxLayout;
    row->addStretch();
    QPushButton *cancel = button(tr("Cancel"));
    connect(cancel, &QPushButton::clicked, this, &FormDialog::leave);
    row->addWidget(cancel);
    row->addWidget(m_accept);
    m_accept->setDefault(true);
    connect(m_accept, &QPushButton::clicked, this, [this] { submit(); });
    m_column->addLayout(row);
}

void FormDialog::addField(const QString &field, const QString &title, QWidget *input, const QString &hint)
{
    auto *cell = new QWidget;
    auto *stack = new QVBoxLayout(cell);
    stack->setContentsMargins(0, 0, 0, 0);
    stack->setSpacing(3);
    stack->setSizeConstraint(QLayout::SetMinimumSize); // texts that wrap make forms give less
    stack->addWidget(input);
    input->setMinimumHeight(inputHeight);
    if (!hint.isEmpty())
        stack->addWidget(wrapped(hint, "muted"));
    QLabel *problem = wrapped({}, "problem");
    problem->hide();
    stack->addWidget(problem);
    input->setAccessibleName(title);
    // A box's name is what is chosen in it, to screen readers.
    const QString whatFor = qobject_cast<QComboBox *>(input) ? title : QString();
    input->setAccessibleDescription(whatFor.isEmpty() || hint.isEmpty() ? whatFor + hint : whatFor + QStringLiteral(": ") + hint);
    m_form->addRow(fieldLabel(title, input), cell);
    m_rows.insert(field, {input, problem});
}

void FormDialog::addBelow(QWidget *widget)
{
    m_form->addRow(QString(), widget);
}

void FormDialog::setBusy(bool busy)
{
    if (busy == m_isBusy)
        return;
    m_isBusy = busy;
    m_accept->setEnabled(!busy);
    if (busy) {
        m_slow.start();
        m_focus = focusWidget();
    } else {
        m_slow.stop();
        m_waiting->hide();
    }
    for (const Row &row : std::as_const(m_rows))
        row.input->setEnabled(!busy);
    if (!busy && m_focus)
        m_focus->setFocus();
}

QStringList FormDialog::typed() const
{
    QStringList texts;
    for (const QLineEdit *edit : findChildren<QLineEdit *>()) {
        if (!edit->isReadOnly())
            texts.append(edit->text());
    }
    return texts;
}

void FormDialog::showEvent(QShowEvent *event)
{
    QDialog::showEvent(event);
    if (event->spontaneous())
        return;
    m_typedAtFirst = typed();
    const QSize room = screen()->availableSize() - QSize(aroundWindow, aroundWindow);
    if (minimumSizeHint().height() > room.height() || minimumSizeHint().width() > room.width())
        scroll(room);
}

// All but the buttons, on a screen that is too small for it.
void FormDialog::scroll(const QSize &room)
{
    auto *inner = new QWidget;
    auto *column = new QVBoxLayout(inner);
    column->setContentsMargins(0, 0, Theme::margin / 2, 0);
    column->setSpacing(m_column->spacing());
    while (m_column->count() > 1) {
        QLayoutItem *item = m_column->takeAt(0);
        if (QLayout *layout = item->layout()) {
            layout->setParent(nullptr);
            column->addLayout(layout);
            continue;
        }
        if (item->widget())
            column->addWidget(item->widget());
        delete item;
    }
    auto *area = new QScrollArea;
    area->setWidgetResizable(true);
    area->setWidget(inner);
    m_column->insertWidget(0, area);
    m_column->setSizeConstraint(QLayout::SetNoConstraint);
    setMinimumSize(0, 0);
    resize(QSize(inner->sizeHint().width() + 3 * Theme::margin, room.height()).boundedTo(room));
}

void FormDialog::leave()
{
    if (!m_isBusy)
        QDialog::reject();
}

void FormDialog::reject()
{
    if (m_isBusy || (typed() != m_typedAtFirst && !mayDiscard(this)))
        return;
    leave();
}

void FormDialog::clearProblems()
{
    m_problem->hide();
    for (const Row &row : std::as_const(m_rows)) {
        row.problem->hide();
        row.input->setProperty("wrong", false);
        row.input->style()->polish(row.input);
    }
}

void FormDialog::showProblem(const QString &field, const QString &sentence)
{
    const auto found = m_rows.constFind(field);
    QLabel *place = found == m_rows.constEnd() ? m_problem : found->problem;
    place->setText(shown(sentence));
    place->show();
    if (found == m_rows.constEnd())
        return;
    found->input->setProperty("wrong", true);
    found->input->style()->polish(found->input);
    found->input->setFocus();
}

void FormDialog::showRefusal(const Reply &reply)
{
    setBusy(false);
    // "providers[0].api_key" is our "api_key".
    showProblem(fieldOf(reply).section(QLatin1Char('.'), -1), sentenceOf(reply));
}

bool mayDiscard(QWidget *parent)
{
    return confirmed(parent, FormDialog::tr("Close without saving?"), FormDialog::tr("What you typed here would be lost."), FormDialog::tr("Close all the same"), true);
}

bool confirmed(QWidget *parent, const QString &title, const QString &text, const QString &accept, bool danger)
{
    // The question stands above what it means: a title bar is read by few, and not every desktop has one.
    QMessageBox box(QMessageBox::NoIcon, title, breakable(shown(title + QStringLiteral("\n\n") + text)), QMessageBox::Cancel, parent);
    box.setTextFormat(Qt::PlainText);
    QPushButton *yes = button(accept, {}, danger ? "danger" : "primary");
    box.addButton(yes, QMessageBox::AcceptRole);
    box.setDefaultButton(danger ? qobject_cast<QPushButton *>(box.button(QMessageBox::Cancel)) : yes);
    box.exec();
    return box.clickedButton() == yes;
}

} // namespace llmproxy::ui
