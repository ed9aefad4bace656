<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>Format</name>
    <message numerus="yes">
        <source>%n second(s)</source>
        <translation>
            <numerusform>%n second</numerusform>
            <numerusform>%n seconds</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n minute(s)</source>
        <translation>
            <numerusform>%n minute</numerusform>
            <numerusform>%n minutes</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hour(s)</source>
        <translation>
            <numerusform>%n hour</numerusform>
            <numerusform>%n hours</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n day(s)</source>
        <translation>
            <numerusform>%n day</numerusform>
            <numerusform>%n days</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>StopQuestion</name>
    <message numerus="yes">
        <source>%n running stream(s) get up to %1 to end, then they are cut.</source>
        <translation>
            <numerusform>%n running stream gets up to %1 to end, then it is cut.</numerusform>
            <numerusform>%n running streams get up to %1 to end, then they are cut.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::AuditModel</name>
    <message numerus="yes">
        <source>%Ln address(es)</source>
        <translation>
            <numerusform>%Ln address</numerusform>
            <numerusform>%Ln addresses</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln or more addresses</source>
        <translation>
            <numerusform>%Ln or more addresses</numerusform>
            <numerusform>%Ln or more addresses</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::AuditPage</name>
    <message numerus="yes">
        <source>%Ln event(s)</source>
        <translation>
            <numerusform>%Ln event</numerusform>
            <numerusform>%Ln events</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln event(s) so far; scroll for more</source>
        <translation>
            <numerusform>%Ln event so far; scroll for more</numerusform>
            <numerusform>%Ln events so far; scroll for more</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::LivePage</name>
    <message numerus="yes">
        <source>Paused. %n request(s) ran then.</source>
        <translation>
            <numerusform>Paused. %n request ran then.</numerusform>
            <numerusform>Paused. %n requests ran then.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n request(s) running</source>
        <translation>
            <numerusform>%n request running</numerusform>
            <numerusform>%n requests running</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::OverviewPage</name>
    <message numerus="yes">
        <source>%n token(s) in use end within the hour, %1 among them</source>
        <translation>
            <numerusform>%n token in use ends within the hour: %1</numerusform>
            <numerusform>%n tokens in use end within the hour, %1 among them</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n more</source>
        <translation>
            <numerusform>%n more</numerusform>
            <numerusform>%n more</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::ProjectsPage</name>
    <message numerus="yes">
        <source>%n day(s)</source>
        <translation>
            <numerusform>%n day</numerusform>
            <numerusform>%n days</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n live token(s) will be refused.</source>
        <translation>
            <numerusform>%n live token will be refused.</numerusform>
            <numerusform>%n live tokens will be refused.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::SecurityPage</name>
    <message numerus="yes">
        <source>%n failed</source>
        <translation>
            <numerusform>%n failed</numerusform>
            <numerusform>%n failed</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n to look at</source>
        <translation>
            <numerusform>%n to look at</numerusform>
            <numerusform>%n to look at</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n passed</source>
        <translation>
            <numerusform>%n passed</numerusform>
            <numerusform>%n passed</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::TokensPage</name>
    <message numerus="yes">
        <source>The newest %n token(s) are shown. Narrow the filter to find older ones.</source>
        <translation>
            <numerusform>The newest %n token is shown. Narrow the filter to find older ones.</numerusform>
            <numerusform>The newest %n tokens are shown. Narrow the filter to find older ones.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n running stream(s) will be cut.</source>
        <translation>
            <numerusform>%n running stream will be cut.</numerusform>
            <numerusform>%n running streams will be cut.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Revoke %n token(s)?</source>
        <translation>
            <numerusform>Revoke %n token?</numerusform>
            <numerusform>Revoke %n tokens?</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n token(s) revoked.</source>
        <translation>
            <numerusform>%n token revoked.</numerusform>
            <numerusform>%n tokens revoked.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n stream(s) cut.</source>
        <translation>
            <numerusform>%n stream cut.</numerusform>
            <numerusform>%n streams cut.</numerusform>
        </translation>
    </message>
</context>
</TS>
