<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE" sourcelanguage="en">
<context>
    <name>Copy</name>
    <message>
        <source>Copied for a minute</source>
        <translation>Für eine Minute kopiert</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>Kopiert</translation>
    </message>
</context>
<context>
    <name>Format</name>
    <message numerus="yes">
        <source>%n second(s)</source>
        <translation>
            <numerusform>%n Sekunde</numerusform>
            <numerusform>%n Sekunden</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n minute(s)</source>
        <translation>
            <numerusform>%n Minute</numerusform>
            <numerusform>%n Minuten</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hour(s)</source>
        <translation>
            <numerusform>%n Stunde</numerusform>
            <numerusform>%n Stunden</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n day(s)</source>
        <translation>
            <numerusform>%n Tag</numerusform>
            <numerusform>%n Tagen</numerusform>
        </translation>
    </message>
    <message>
        <source>never</source>
        <translation>nie</translation>
    </message>
    <message>
        <source>now</source>
        <translation>jetzt</translation>
    </message>
    <message>
        <source>%1 ago</source>
        <translation>vor %1</translation>
    </message>
    <message>
        <source>in %1</source>
        <translation>in %1</translation>
    </message>
    <message>
        <source>%1 ms</source>
        <translation>%1 ms</translation>
    </message>
    <message>
        <source>%1 s</source>
        <translation>%1 s</translation>
    </message>
    <message>
        <source>%1 min %2 s</source>
        <translation>%1 min %2 s</translation>
    </message>
    <message>
        <source>%1 k</source>
        <translation>%1 Tsd.</translation>
    </message>
    <message>
        <source>%1 M</source>
        <translation>%1 Mio.</translation>
    </message>
    <message>
        <source>&lt; 1 ms</source>
        <translation>&lt; 1 ms</translation>
    </message>
    <message>
        <source>%1 h %2 min</source>
        <translation>%1 h %2 min</translation>
    </message>
</context>
<context>
    <name>QAbstractSpinBox</name>
    <message>
        <source>&amp;Select All</source>
        <translation>A&amp;lles auswählen</translation>
    </message>
    <message>
        <source>&amp;Step up</source>
        <translation>Er&amp;höhen</translation>
    </message>
    <message>
        <source>Step &amp;down</source>
        <translation>&amp;Verringern</translation>
    </message>
</context>
<context>
    <name>QLineEdit</name>
    <message>
        <source>&amp;Undo</source>
        <translation>&amp;Rückgängig</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>&amp;Wiederholen</translation>
    </message>
    <message>
        <source>Cu&amp;t</source>
        <translation>&amp;Ausschneiden</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>&amp;Kopieren</translation>
    </message>
    <message>
        <source>&amp;Paste</source>
        <translation>&amp;Einfügen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Select All</source>
        <translation>Alles auswählen</translation>
    </message>
</context>
<context>
    <name>QObject</name>
    <message>
        <source>Some settings cannot be used:</source>
        <translation>Einige Einstellungen sind nicht verwendbar:</translation>
    </message>
</context>
<context>
    <name>QPlatformTheme</name>
    <message>
        <source>OK</source>
        <translation>OK</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
</context>
<context>
    <name>QShortcut</name>
    <message>
        <source>Ctrl</source>
        <translation>Strg</translation>
    </message>
    <message>
        <source>Shift</source>
        <translation>Umschalt</translation>
    </message>
    <message>
        <source>Alt</source>
        <translation>Alt</translation>
    </message>
    <message>
        <source>Del</source>
        <translation>Entf</translation>
    </message>
    <message>
        <source>Space</source>
        <translation>Leertaste</translation>
    </message>
</context>
<context>
    <name>QWidgetTextControl</name>
    <message>
        <source>&amp;Undo</source>
        <translation>&amp;Rückgängig</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>&amp;Wiederholen</translation>
    </message>
    <message>
        <source>Cu&amp;t</source>
        <translation>&amp;Ausschneiden</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>&amp;Kopieren</translation>
    </message>
    <message>
        <source>&amp;Paste</source>
        <translation>&amp;Einfügen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Select All</source>
        <translation>Alles auswählen</translation>
    </message>
</context>
<context>
    <name>SettingGroups</name>
    <message>
        <source>Network</source>
        <translation>Netzwerk</translation>
    </message>
    <message>
        <source>TLS</source>
        <translation>TLS</translation>
    </message>
    <message>
        <source>Storage</source>
        <translation>Datenspeicher</translation>
    </message>
    <message>
        <source>Management</source>
        <translation>Verwaltung</translation>
    </message>
    <message>
        <source>Audit</source>
        <translation>Audit</translation>
    </message>
    <message>
        <source>Alerts</source>
        <translation>Alarme</translation>
    </message>
    <message>
        <source>Logging</source>
        <translation>Protokollierung</translation>
    </message>
    <message>
        <source>Limits</source>
        <translation>Limits</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Providers</source>
        <translation>Anbieter</translation>
    </message>
    <message>
        <source>Cache</source>
        <translation>Cache</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>Engine</translation>
    </message>
</context>
<context>
    <name>StopQuestion</name>
    <message numerus="yes">
        <source>%n running stream(s) get up to %1 to end, then they are cut.</source>
        <translation>
            <numerusform>%n laufender Stream darf noch bis zu %1 weiterlaufen; dann wird er abgebrochen.</numerusform>
            <numerusform>%n laufende Streams dürfen noch bis zu %1 weiterlaufen; dann werden sie abgebrochen.</numerusform>
        </translation>
    </message>
    <message>
        <source>Stop the engine?</source>
        <translation>Engine stoppen?</translation>
    </message>
    <message>
        <source>Stop the engine</source>
        <translation>Engine stoppen</translation>
    </message>
</context>
<context>
    <name>TokenColumns</name>
    <message>
        <source>active</source>
        <translation>aktiv</translation>
    </message>
    <message>
        <source>in grace</source>
        <translation>Nachfrist</translation>
    </message>
    <message>
        <source>expired</source>
        <translation>abgelaufen</translation>
    </message>
    <message>
        <source>revoked</source>
        <translation>widerrufen</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 von %2</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Status</translation>
    </message>
    <message>
        <source>Expires</source>
        <translation>Läuft ab</translation>
    </message>
    <message>
        <source>Project</source>
        <translation>Projekt</translation>
    </message>
    <message>
        <source>Requests</source>
        <translation>Anfragen</translation>
    </message>
    <message>
        <source>Rate limit</source>
        <translation>Ratenlimit</translation>
    </message>
    <message>
        <source>%1/min</source>
        <translation>%1/min</translation>
    </message>
    <message>
        <source>none</source>
        <translation>unbegrenzt</translation>
    </message>
    <message>
        <source>Last used</source>
        <translation>Genutzt</translation>
    </message>
    <message>
        <source>Model tokens</source>
        <translation>Modell-Token</translation>
    </message>
    <message>
        <source>%1 sent, %2 received</source>
        <translation>%1 gesendet, %2 empfangen</translation>
    </message>
    <message>
        <source>Token</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Created</source>
        <translation>Erstellt</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::AuditFilters</name>
    <message>
        <source>Text in an event</source>
        <translation>Text im Ereignis</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeitraum</translation>
    </message>
    <message>
        <source>All time</source>
        <translation>Gesamter Zeitraum</translation>
    </message>
    <message>
        <source>Last 15 minutes</source>
        <translation>Letzte 15 Minuten</translation>
    </message>
    <message>
        <source>Last hour</source>
        <translation>Letzte Stunde</translation>
    </message>
    <message>
        <source>Last 24 hours</source>
        <translation>Letzte 24 Stunden</translation>
    </message>
    <message>
        <source>Last 7 days</source>
        <translation>Letzte 7 Tage</translation>
    </message>
    <message>
        <source>Last 30 days</source>
        <translation>Letzte 30 Tage</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>Filter</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>Aktion</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>Ergebnis</translation>
    </message>
    <message>
        <source>Actor</source>
        <translation>Akteur</translation>
    </message>
    <message>
        <source>Project</source>
        <translation>Projekt</translation>
    </message>
    <message>
        <source>Token</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>Request</source>
        <translation>Anfrage</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>Status</translation>
    </message>
    <message>
        <source>Type a value …</source>
        <translation>Wert eingeben …</translation>
    </message>
    <message>
        <source>%1 (%2)</source>
        <comment>value, number of events</comment>
        <translation>%1 (%2)</translation>
    </message>
    <message>
        <source>Exact value, or a prefix like token.*</source>
        <translation>Genauer Wert oder Anfang wie token.*</translation>
    </message>
    <message>
        <source>The masked token or its id</source>
        <translation>Das maskierte Token oder seine ID</translation>
    </message>
    <message>
        <source>Filter by %1</source>
        <translation>Nach %1 filtern</translation>
    </message>
    <message>
        <source>Remove this filter</source>
        <translation>Diesen Filter entfernen</translation>
    </message>
    <message>
        <source>Remove the filter %1: %2</source>
        <translation>Filter %1 entfernen: %2</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>Alle entfernen</translation>
    </message>
    <message>
        <source>Clear all filters</source>
        <translation>Alle Filter entfernen</translation>
    </message>
    <message>
        <source>The project&apos;s ID; projects with events are in the list by name</source>
        <translation>Die ID des Projekts; Projekte mit Ereignissen stehen mit ihrem Namen in der Liste</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::AuditModel</name>
    <message numerus="yes">
        <source>%Ln address(es)</source>
        <translation>
            <numerusform>%Ln Adresse</numerusform>
            <numerusform>%Ln Adressen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln or more addresses</source>
        <translation>
            <numerusform>%Ln oder mehr Adressen</numerusform>
            <numerusform>%Ln oder mehr Adressen</numerusform>
        </translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>Ergebnis</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>Aktion</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>Status</translation>
    </message>
    <message>
        <source>Token</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Project</source>
        <translation>Projekt</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>Actor</source>
        <translation>Akteur</translation>
    </message>
    <message>
        <source>Seq</source>
        <translation>Nr.</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Details</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::AuditPage</name>
    <message>
        <source>Audit</source>
        <translation>Audit</translation>
    </message>
    <message>
        <source>Every decision, chained and signed. Nothing secret is in it.</source>
        <translation>Jede Entscheidung, verkettet und signiert. Geheimnisse stehen nicht darin.</translation>
    </message>
    <message>
        <source>Audit events</source>
        <translation>Audit-Ereignisse</translation>
    </message>
    <message>
        <source>Follow</source>
        <translation>Mitverfolgen</translation>
    </message>
    <message>
        <source>New events come in at the top</source>
        <translation>Neue Ereignisse erscheinen oben</translation>
    </message>
    <message>
        <source>No events</source>
        <translation>Keine Ereignisse</translation>
    </message>
    <message>
        <source>Nothing in the log fits the filter.</source>
        <translation>Nichts im Log passt zum Filter.</translation>
    </message>
    <message>
        <source>Clear all filters</source>
        <translation>Alle Filter entfernen</translation>
    </message>
    <message numerus="yes">
        <source>%Ln event(s)</source>
        <translation>
            <numerusform>%Ln Ereignis</numerusform>
            <numerusform>%Ln Ereignisse</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln event(s) so far; scroll for more</source>
        <translation>
            <numerusform>Bisher %Ln Ereignis; für weitere scrollen</numerusform>
            <numerusform>Bisher %Ln Ereignisse; für weitere scrollen</numerusform>
        </translation>
    </message>
    <message>
        <source>Verify</source>
        <translation>Prüfen</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Exportieren</translation>
    </message>
    <message>
        <source>%1 written, %2.</source>
        <translation>%1 geschrieben, %2.</translation>
    </message>
    <message>
        <source>Mark as reviewed</source>
        <translation>Als gesichtet markieren</translation>
    </message>
    <message>
        <source>Everything of this request</source>
        <translation>Alles zur Anfrage</translation>
    </message>
    <message>
        <source>Everything of this token</source>
        <translation>Alles zum Token</translation>
    </message>
    <message>
        <source>Everything of this address</source>
        <translation>Alles zur Adresse</translation>
    </message>
    <message>
        <source>Copy event</source>
        <translation>Ereignis kopieren</translation>
    </message>
    <message>
        <source>Event</source>
        <translation>Ereignis</translation>
    </message>
    <message>
        <source>The event as it is logged</source>
        <translation>Das Ereignis, wie es im Log steht</translation>
    </message>
    <message>
        <source>Choose an event to see all of it.</source>
        <translation>Wählen Sie ein Ereignis, um es ganz zu sehen.</translation>
    </message>
    <message>
        <source>Event %1 of the chain. Its hash covers it and the hash of event %2: changing either breaks the chain here.</source>
        <translation>Ereignis %1 der Kette. Sein Hash umfasst es selbst und den Hash von Ereignis %2: Wird eines davon geändert, bricht die Kette hier.</translation>
    </message>
    <message>
        <source>This records that you have reviewed the log up to now. A note, for the record:</source>
        <translation>Festgehalten wird, dass Sie das Log bis jetzt gesichtet haben. Eine Notiz dazu:</translation>
    </message>
    <message>
        <source>Recorded: reviewed up to event %1.</source>
        <translation>Festgehalten: gesichtet bis Ereignis %1.</translation>
    </message>
    <message>
        <source>Nothing was logged yet, or the audit log is switched off: see AUDIT_ENABLED in the settings.</source>
        <translation>Es wurde noch nichts protokolliert, oder das Audit-Log ist ausgeschaltet: siehe AUDIT_ENABLED in den Einstellungen.</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::Client</name>
    <message>
        <source>The server returned an invalid ID. No request was sent.</source>
        <translation>Der Server hat hierfür eine ID angegeben, die keine sein kann; er wurde deshalb nicht gefragt.</translation>
    </message>
    <message>
        <source>The server&apos;s answer contains no access token. The server may run another version; check its list of tokens.</source>
        <translation>Die Antwort des Servers enthält kein Zugriffstoken. Vielleicht hat er eine andere Version; sehen Sie in der Tokenliste dort nach.</translation>
    </message>
    <message>
        <source>The server returned the same page again, so the list has no end. The server may run another version.</source>
        <translation>Die Liste des Servers endet nicht: Er liefert dieselbe Seite noch einmal. Vielleicht hat er eine andere Version.</translation>
    </message>
    <message>
        <source>The server does not answer.</source>
        <translation>Der Server antwortet nicht.</translation>
    </message>
    <message>
        <source>Another server is shown now; whether the change was made is to be seen at the one before.</source>
        <translation>Jetzt wird ein anderer Server angezeigt; ob die Änderung gemacht wurde, ist beim vorigen zu sehen.</translation>
    </message>
    <message>
        <source>No server is connected. Start the engine, or connect to a server.</source>
        <translation>Kein Server ist verbunden. Starten Sie die Engine, oder verbinden Sie sich mit einem Server.</translation>
    </message>
    <message>
        <source>The server answered with status %1 and says no more; its log may.</source>
        <translation>Der Server antwortete mit Status %1 und sagt nicht mehr; vielleicht sein Log.</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::CommandPalette</name>
    <message>
        <source>Find anything</source>
        <translation>Alles durchsuchen</translation>
    </message>
    <message>
        <source>A page, an action, a project or a token</source>
        <translation>Eine Seite, eine Aktion, ein Projekt oder ein Token</translation>
    </message>
    <message>
        <source>What was found</source>
        <translation>Suchergebnisse</translation>
    </message>
    <message>
        <source>page</source>
        <translation>Seite</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>project</source>
        <translation>Projekt</translation>
    </message>
    <message>
        <source>token</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>Nichts gefunden</translation>
    </message>
    <message>
        <source>Welcome: a provider&apos;s key and a first token, in three steps</source>
        <translation>Willkommen: Anbieterschlüssel und erstes Token in drei Schritten</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::ConnectDialog</name>
    <message>
        <source>Connect to a server</source>
        <translation>Mit einem Server verbinden</translation>
    </message>
    <message>
        <source>A server that runs llm-proxy --serve, over HTTPS. It has to allow your address: see MANAGEMENT_ALLOWED_IPS there.</source>
        <translation>Ein Server, auf dem llm-proxy --serve läuft, über HTTPS. Er muss Ihre Adresse in MANAGEMENT_ALLOWED_IPS zulassen.</translation>
    </message>
    <message>
        <source>Connect</source>
        <translation>Verbinden</translation>
    </message>
    <message>
        <source>My small server</source>
        <translation>Mein kleiner Server</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>Management token</source>
        <translation>Verwaltungstoken</translation>
    </message>
    <message>
        <source>Kept in memory while you are connected, and nowhere else.</source>
        <translation>Bleibt im Arbeitsspeicher, solange Sie verbunden sind, und sonst nirgends.</translation>
    </message>
    <message>
        <source>Enter the address as https://host[:port]. A management token is never sent unencrypted.</source>
        <translation>Geben Sie die Adresse als https://host[:port] ein. Ein Verwaltungstoken wird nicht im Klartext übertragen.</translation>
    </message>
    <message>
        <source>Enter the server&apos;s MANAGEMENT_TOKEN.</source>
        <translation>Das MANAGEMENT_TOKEN des Servers wird benötigt.</translation>
    </message>
    <message>
        <source>No server answers at this address: %1</source>
        <translation>Dort antwortet niemand: %1</translation>
    </message>
    <message>
        <source>The server&apos;s key has changed</source>
        <translation>Der Schlüssel des Servers hat sich geändert</translation>
    </message>
    <message>
        <source>It was %1
and is now %2.

If nobody made a new key there, someone may be between you and the server. Go on only after comparing the new key with the server&apos;s.</source>
        <translation>Er war %1
und ist jetzt %2.

Hat dort niemand einen neuen Schlüssel erzeugt, hat sich jemand zwischen Sie und den Server geschaltet. Fahren Sie nur fort, wenn Sie den neuen Schlüssel mit dem des Servers verglichen haben.</translation>
    </message>
    <message>
        <source>Trust the new key</source>
        <translation>Neuem Schlüssel vertrauen</translation>
    </message>
    <message>
        <source>Is this your server?</source>
        <translation>Ist das Ihr Server?</translation>
    </message>
    <message>
        <source>Its certificate is not one that this computer trusts: %1

For: %2
Issued by: %3
Until: %4
Key: %5

Compare the key with the server&apos;s before you go on. From then on only this key is trusted.</source>
        <translation>Dieser Computer vertraut dem Zertifikat des Servers nicht: %1

Für: %2
Ausgestellt von: %3
Gültig bis: %4
Schlüssel: %5

Vergleichen Sie den Schlüssel mit dem des Servers, bevor Sie fortfahren. Von da an wird nur noch diesem Schlüssel vertraut.</translation>
    </message>
    <message>
        <source>Trust this key</source>
        <translation>Diesem Schlüssel vertrauen</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::ExportDialog</name>
    <message>
        <source>%1 cannot be written: %2</source>
        <translation>%1 kann nicht geschrieben werden: %2</translation>
    </message>
    <message>
        <source>Stopped; no file was written.</source>
        <translation>Gestoppt; es wurde keine Datei geschrieben.</translation>
    </message>
    <message>
        <source>Export audit events</source>
        <translation>Audit-Ereignisse exportieren</translation>
    </message>
    <message>
        <source>Every event, oldest first.</source>
        <translation>Alle Ereignisse, die ältesten zuerst.</translation>
    </message>
    <message>
        <source>The events that the filter shows, oldest first.</source>
        <translation>Die vom Filter gezeigten Ereignisse, die ältesten zuerst.</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Exportieren</translation>
    </message>
    <message>
        <source>Add a signed proof, so that the file can be verified on its own</source>
        <translation>Signierten Nachweis beilegen, damit sich die Datei allein prüfen lässt</translation>
    </message>
    <message>
        <source>JSON Lines, exactly as logged</source>
        <translation>JSON Lines, genau wie im Log</translation>
    </message>
    <message>
        <source>CSV, for spreadsheets</source>
        <translation>CSV, für Tabellenkalkulationen</translation>
    </message>
    <message>
        <source>Choose …</source>
        <translation>Auswählen …</translation>
    </message>
    <message>
        <source>File</source>
        <translation>Datei</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>Format</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Export to</source>
        <translation>Exportieren nach</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Stoppen</translation>
    </message>
    <message>
        <source>Enter a file name.</source>
        <translation>Geben Sie einen Dateinamen ein.</translation>
    </message>
    <message>
        <source>No server is connected. Start the engine, or connect to a server.</source>
        <translation>Kein Server ist verbunden. Starten Sie die Engine, oder verbinden Sie sich mit einem Server.</translation>
    </message>
    <message>
        <source>Replace the file?</source>
        <translation>Datei ersetzen?</translation>
    </message>
    <message>
        <source>%1 is there already.</source>
        <translation>%1 gibt es schon.</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>Ersetzen</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::FirstRun</name>
    <message>
        <source>Try it with the demo provider</source>
        <translation>Mit dem Demo-Anbieter ausprobieren</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Welcome to LLM Proxy</source>
        <translation>Willkommen bei LLM Proxy</translation>
    </message>
    <message>
        <source>Where things live</source>
        <translation>Speicherorte</translation>
    </message>
    <message>
        <source>Your provider key</source>
        <translation>Ihr Anbieterschlüssel</translation>
    </message>
    <message>
        <source>Your first token</source>
        <translation>Ihr erstes Token</translation>
    </message>
    <message>
        <source>%1  %2</source>
        <comment>number of a step, its name</comment>
        <translation>%1  %2</translation>
    </message>
    <message>
        <source>You put a provider&apos;s key in here once. Programs get short-lived access tokens instead, which you can limit and take back at any time.</source>
        <translation>Sie hinterlegen hier einmal den Schlüssel eines Anbieters. Programme erhalten stattdessen kurzlebige Zugriffstoken, die Sie begrenzen und jederzeit widerrufen können.</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>Daten</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>Looking …</source>
        <translation>Wird ermittelt …</translation>
    </message>
    <message>
        <source>Keys are encrypted before they touch the disk (AES-256-GCM) and are never shown to anyone again. Only programs on this computer can reach the proxy until you change that.</source>
        <translation>Schlüssel werden verschlüsselt (AES-256-GCM), bevor sie auf die Festplatte gelangen, und niemandem je wieder angezeigt. Nur Programme auf diesem Computer erreichen den Proxy, bis Sie das ändern.</translation>
    </message>
    <message>
        <source>Which provider, and which key? The key is checked with the provider before it is saved. You can add more later.</source>
        <translation>Welcher Anbieter und welcher Schlüssel? Der Schlüssel wird beim Anbieter geprüft, bevor er gespeichert wird. Weitere können später folgen.</translation>
    </message>
    <message>
        <source>Provider</source>
        <translation>Anbieter</translation>
    </message>
    <message>
        <source>Key</source>
        <translation>Schlüssel</translation>
    </message>
    <message>
        <source>Here is your first token, good for 24 hours. It is shown this once: paste it where you need it. On the page Access tokens you make others.</source>
        <translation>Hier ist Ihr erstes Token, gültig für 24 Stunden. Es wird nur dieses eine Mal angezeigt: Fügen Sie es dort ein, wo Sie es brauchen. Weitere erstellen Sie auf der Seite „Zugriffstoken“.</translation>
    </message>
    <message>
        <source>Check and continue</source>
        <translation>Prüfen und weiter</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Fertig</translation>
    </message>
    <message>
        <source>Asking the provider …</source>
        <translation>Anbieter wird gefragt …</translation>
    </message>
    <message>
        <source>Save the key unchecked?</source>
        <translation>Schlüssel ungeprüft speichern?</translation>
    </message>
    <message>
        <source>Save it</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Demo</source>
        <translation>Demo</translation>
    </message>
    <message>
        <source>My %1 project</source>
        <translation>Mein Projekt mit %1</translation>
    </message>
    <message>
        <source>First token</source>
        <translation>Erstes Token</translation>
    </message>
    <message>
        <source>Close without copying?</source>
        <translation>Schließen, ohne zu kopieren?</translation>
    </message>
    <message>
        <source>The token was not copied. Once this closes nobody can show it again; you would make another.</source>
        <translation>Das Token wurde nicht kopiert. Nach dem Schließen kann es niemand mehr anzeigen; Sie müssten ein neues erstellen.</translation>
    </message>
    <message>
        <source>Close all the same</source>
        <translation>Trotzdem schließen</translation>
    </message>
    <message>
        <source>Encryption key</source>
        <translation>Verschlüsselung</translation>
    </message>
    <message>
        <source>The provider&apos;s own</source>
        <translation>Die des Anbieters</translation>
    </message>
    <message>
        <source>Base URL</source>
        <translation>Basis-URL</translation>
    </message>
    <message>
        <source>A key from an environment variable or a file can be checked at another address only once it is saved. Check it then with “Edit” on the page “Projects and keys”.</source>
        <translation>Ein Schlüssel aus einer Umgebungsvariable oder Datei kann an einer anderen Adresse erst geprüft werden, wenn er gespeichert ist. Prüfen Sie ihn danach mit „Bearbeiten“ auf der Seite „Projekte und Schlüssel“.</translation>
    </message>
    <message>
        <source>Paste the provider&apos;s key, or name where it is kept.</source>
        <translation>Fügen Sie den Schlüssel des Anbieters ein, oder nennen Sie, wo er liegt.</translation>
    </message>
    <message>
        <source>The API was found at %1. The base URL was changed; press Next to check the key there.</source>
        <translation>Die API wurde unter %1 gefunden. Die Basis-URL wurde geändert; „Weiter“ prüft den Schlüssel dort.</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::FormDialog</name>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Waiting for the server …</source>
        <translation>Warten auf den Server …</translation>
    </message>
    <message>
        <source>Close without saving?</source>
        <translation>Schließen, ohne zu speichern?</translation>
    </message>
    <message>
        <source>What you typed here would be lost.</source>
        <translation>Was Sie hier eingegeben haben, ginge verloren.</translation>
    </message>
    <message>
        <source>Close all the same</source>
        <translation>Trotzdem schließen</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::LivePage</name>
    <message>
        <source>ID: %1
Request ID: %2</source>
        <translation>ID: %1
Anfrage-ID: %2</translation>
    </message>
    <message>
        <source>receiving</source>
        <translation>wird empfangen</translation>
    </message>
    <message>
        <source>waiting for the provider</source>
        <translation>wartet auf den Anbieter</translation>
    </message>
    <message>
        <source>streaming</source>
        <translation>streamt</translation>
    </message>
    <message>
        <source>done</source>
        <translation>fertig</translation>
    </message>
    <message>
        <source>ended: %1</source>
        <translation>beendet: %1</translation>
    </message>
    <message>
        <source>Phase</source>
        <translation>Phase</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Token</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Project</source>
        <translation>Projekt</translation>
    </message>
    <message>
        <source>Client</source>
        <translation>Client</translation>
    </message>
    <message>
        <source>Endpoint</source>
        <translation>Endpunkt</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>Status</translation>
    </message>
    <message>
        <source>First byte</source>
        <translation>Erstes Byte</translation>
    </message>
    <message>
        <source>Duration</source>
        <translation>Dauer</translation>
    </message>
    <message>
        <source>Tokens/s</source>
        <translation>Token/s</translation>
    </message>
    <message>
        <source>Received</source>
        <translation>Empfangen</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>Live</translation>
    </message>
    <message>
        <source>Running requests, updated twice a second.</source>
        <translation>Laufende Anfragen, zweimal pro Sekunde aktualisiert.</translation>
    </message>
    <message>
        <source>Requests</source>
        <translation>Anfragen</translation>
    </message>
    <message>
        <source>Show what has just ended</source>
        <translation>Beendete zeigen</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>End request</source>
        <translation>Anfrage beenden</translation>
    </message>
    <message>
        <source>End all of this token</source>
        <translation>Alle dieses Tokens beenden</translation>
    </message>
    <message>
        <source>Everything of this request</source>
        <translation>Alles zur Anfrage</translation>
    </message>
    <message>
        <source>No requests running</source>
        <translation>Keine laufenden Anfragen</translation>
    </message>
    <message>
        <source>As soon as a program uses a token, its request stands here: who, which model, how fast.</source>
        <translation>Sobald ein Programm ein Token nutzt, steht seine Anfrage hier: wer, welches Modell, wie schnell.</translation>
    </message>
    <message numerus="yes">
        <source>Paused. %n request(s) ran then.</source>
        <translation>
            <numerusform>Angehalten. Zu diesem Zeitpunkt lief %n Anfrage.</numerusform>
            <numerusform>Angehalten. Zu diesem Zeitpunkt liefen %n Anfragen.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n request(s) running</source>
        <translation>
            <numerusform>%n Anfrage läuft</numerusform>
            <numerusform>%n Anfragen laufen</numerusform>
        </translation>
    </message>
    <message>
        <source>Ended. The client sees a broken stream.</source>
        <translation>Beendet. Der Client sieht einen abgebrochenen Stream.</translation>
    </message>
    <message>
        <source>Estimated from the events of the stream, until the provider reports the count</source>
        <translation>Aus den Ereignissen des Streams geschätzt, bis der Anbieter die Zahl mitteilt</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::LongTable</name>
    <message>
        <source>Scroll: %1</source>
        <translation>Scrollen: %1</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::MainWindow</name>
    <message>
        <source>Alert</source>
        <translation>Alarm</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Anzeigen</translation>
    </message>
    <message>
        <source>Navigation</source>
        <translation>Navigation</translation>
    </message>
    <message>
        <source>Find anything</source>
        <translation>Alles durchsuchen</translation>
    </message>
    <message>
        <source>Every page, action, project and token (%1)</source>
        <translation>Jede Seite, jede Aktion, jedes Projekt und Token (%1)</translation>
    </message>
    <message>
        <source>Connection lost</source>
        <translation>Verbindung verloren</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Erneut versuchen</translation>
    </message>
    <message>
        <source>%1 (%2)</source>
        <comment>page, shortcut</comment>
        <translation>%1 (%2)</translation>
    </message>
    <message>
        <source>The engine did not start: %1</source>
        <translation>Die Engine ist nicht gestartet: %1</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Fehlgeschlagen</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>Startet</translation>
    </message>
    <message>
        <source>Stopping</source>
        <translation>Stoppt</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Gestoppt</translation>
    </message>
    <message>
        <source>%1 does not answer: %2. What you see is from before; it is tried again every second.</source>
        <translation>%1 antwortet nicht: %2. Was Sie sehen, ist der Stand davor; jede Sekunde wird es erneut versucht.</translation>
    </message>
    <message>
        <source>Lost</source>
        <translation>Getrennt</translation>
    </message>
    <message>
        <source>Connecting</source>
        <translation>Verbindet</translation>
    </message>
    <message>
        <source>Running</source>
        <translation>Läuft</translation>
    </message>
    <message>
        <source>Not ready</source>
        <translation>Nicht bereit</translation>
    </message>
    <message>
        <source>This computer</source>
        <translation>Dieser Computer</translation>
    </message>
    <message>
        <source>Server: %1</source>
        <translation>Server: %1</translation>
    </message>
    <message>
        <source>Choose which server to look after</source>
        <translation>Zu verwaltenden Server wählen</translation>
    </message>
    <message>
        <source>%1 – LLM Proxy</source>
        <translation>%1 – LLM Proxy</translation>
    </message>
    <message>
        <source>Quit LLM Proxy?</source>
        <translation>LLM Proxy beenden?</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Keep LLM Proxy running?</source>
        <translation>LLM Proxy weiterlaufen lassen?</translation>
    </message>
    <message>
        <source>In the tray, LLM Proxy keeps serving your programs. You can change this in the settings.</source>
        <translation>Im Infobereich bedient LLM Proxy Ihre Programme weiter. In den Einstellungen können Sie das ändern.</translation>
    </message>
    <message>
        <source>Keep running in the tray</source>
        <translation>Im Infobereich weiterlaufen</translation>
    </message>
    <message>
        <source>Start on a free port</source>
        <translation>Auf einem freien Port starten</translation>
    </message>
    <message>
        <source>%1 refuses this console: %2. What you see is from before.</source>
        <translation>%1 weist diese Konsole ab: %2. Was Sie sehen, ist von vorher.</translation>
    </message>
    <message>
        <source>Refused</source>
        <translation>Abgelehnt</translation>
    </message>
    <message>
        <source>Enter the token</source>
        <translation>Token eingeben</translation>
    </message>
    <message>
        <source>Start the engine here</source>
        <translation>Engine hier starten</translation>
    </message>
    <message>
        <source>Quit without saving?</source>
        <translation>Beenden, ohne zu speichern?</translation>
    </message>
    <message>
        <source>The engine ends with this window: programs that use it get no answers until it runs again. This is asked once.</source>
        <translation>Mit diesem Fenster endet die Engine: Programme, die sie nutzen, erhalten keine Antworten, bis sie wieder läuft. Diese Frage kommt nur einmal.</translation>
    </message>
    <message>
        <source>Demo, nothing of it stays – LLM Proxy</source>
        <translation>Demo, nichts davon bleibt – LLM Proxy</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::OverviewPage</name>
    <message>
        <source>Overview</source>
        <translation>Überblick</translation>
    </message>
    <message>
        <source>How the proxy is doing, and what needs you first.</source>
        <translation>Wie es dem Proxy geht und was zuerst zu tun ist.</translation>
    </message>
    <message>
        <source>Start the engine</source>
        <translation>Engine starten</translation>
    </message>
    <message>
        <source>Stop the engine</source>
        <translation>Engine stoppen</translation>
    </message>
    <message>
        <source>Needs attention</source>
        <translation>Zu beachten</translation>
    </message>
    <message>
        <source>Alert: %1</source>
        <translation>Alarm: %1</translation>
    </message>
    <message>
        <source>Show its event</source>
        <translation>Ereignis anzeigen</translation>
    </message>
    <message>
        <source>Copy address</source>
        <translation>Adresse kopieren</translation>
    </message>
    <message>
        <source>Requests per second</source>
        <translation>Anfragen pro Sekunde</translation>
    </message>
    <message>
        <source>Running now</source>
        <translation>Laufend</translation>
    </message>
    <message>
        <source>Requests, 24 h</source>
        <translation>Anfragen, 24 h</translation>
    </message>
    <message>
        <source>Errors, 24 h</source>
        <translation>Fehler, 24 h</translation>
    </message>
    <message>
        <source>Model tokens, 24 h</source>
        <translation>Modell-Token, 24 h</translation>
    </message>
    <message>
        <source>Traffic</source>
        <translation>Datenverkehr</translation>
    </message>
    <message>
        <source>Hour</source>
        <translation>Stunde</translation>
    </message>
    <message>
        <source>Day</source>
        <translation>Tag</translation>
    </message>
    <message>
        <source>Month</source>
        <translation>Monat</translation>
    </message>
    <message>
        <source>Requests</source>
        <translation>Anfragen</translation>
    </message>
    <message>
        <source>Duration, ms</source>
        <translation>Dauer, ms</translation>
    </message>
    <message>
        <source>Model tokens</source>
        <translation>Modell-Token</translation>
    </message>
    <message>
        <source>Running</source>
        <translation>Läuft</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>Startet</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Fehlgeschlagen</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Gestoppt</translation>
    </message>
    <message>
        <source>No address</source>
        <translation>Keine Adresse</translation>
    </message>
    <message>
        <source>version %1</source>
        <translation>Version %1</translation>
    </message>
    <message>
        <source>started %1</source>
        <translation>gestartet am %1</translation>
    </message>
    <message>
        <source>listening on %1</source>
        <translation>nimmt Verbindungen an auf %1</translation>
    </message>
    <message>
        <source>a server on this computer; this console cannot stop it</source>
        <translation>ein Server dieses Computers; diese Konsole kann ihn nicht stoppen</translation>
    </message>
    <message>
        <source>mean of the last 10 s</source>
        <translation>Mittel aus zehn Sekunden</translation>
    </message>
    <message>
        <source>requests and streams</source>
        <translation>Anfragen und Streams</translation>
    </message>
    <message>
        <source>%1 refused</source>
        <translation>%1 abgelehnt</translation>
    </message>
    <message>
        <source>%1 % of all</source>
        <translation>%1 % aller Anfragen</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>%1 sent, %2 received</source>
        <translation>%1 gesendet, %2 empfangen</translation>
    </message>
    <message>
        <source>How to fix it</source>
        <translation>Abhilfe anzeigen</translation>
    </message>
    <message>
        <source>%1 is waiting for its %2 key</source>
        <translation>%1 wartet auf den Schlüssel für %2</translation>
    </message>
    <message>
        <source>Show the project</source>
        <translation>Projekt anzeigen</translation>
    </message>
    <message>
        <source>%1 needs its %2 key again</source>
        <translation>%1 benötigt erneut den Schlüssel für %2</translation>
    </message>
    <message>
        <source>Enter the key</source>
        <translation>Schlüssel eingeben</translation>
    </message>
    <message numerus="yes">
        <source>%n token(s) in use end within the hour, %1 among them</source>
        <translation>
            <numerusform>%n genutztes Token läuft innerhalb einer Stunde ab: %1</numerusform>
            <numerusform>%n genutzte Token laufen innerhalb einer Stunde ab, darunter %1</numerusform>
        </translation>
    </message>
    <message>
        <source>Refresh them</source>
        <translation>Erneuern</translation>
    </message>
    <message>
        <source>Problem</source>
        <translation>Problem</translation>
    </message>
    <message>
        <source>Warning</source>
        <translation>Warnung</translation>
    </message>
    <message numerus="yes">
        <source>%n more</source>
        <translation>
            <numerusform>%n weiterer Punkt</numerusform>
            <numerusform>%n weitere Punkte</numerusform>
        </translation>
    </message>
    <message>
        <source>Nothing. All checks pass.</source>
        <translation>Nichts. Alle Prüfungen sind bestanden.</translation>
    </message>
    <message>
        <source>answered</source>
        <translation>beantwortet</translation>
    </message>
    <message>
        <source>refused</source>
        <translation>abgelehnt</translation>
    </message>
    <message>
        <source>errors</source>
        <translation>Fehler</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>gesendet</translation>
    </message>
    <message>
        <source>received</source>
        <translation>empfangen</translation>
    </message>
    <message>
        <source>Lost</source>
        <translation>Getrennt</translation>
    </message>
    <message>
        <source>Rotate the oldest</source>
        <translation>Den ältesten rotieren</translation>
    </message>
    <message>
        <source>median</source>
        <translation>Median</translation>
    </message>
    <message>
        <source>95th percentile</source>
        <translation>95. Perzentil</translation>
    </message>
    <message>
        <source>Not ready</source>
        <translation>Nicht bereit</translation>
    </message>
    <message>
        <source>Connecting</source>
        <translation>Verbindet</translation>
    </message>
    <message>
        <source>the audit log cannot be written: is the disk full, or not writable?</source>
        <translation>das Audit-Log kann nicht geschrieben werden: Ist die Festplatte voll oder schreibgeschützt?</translation>
    </message>
    <message>
        <source>requests are refused until the storage can be written again</source>
        <translation>Anfragen werden abgelehnt, bis der Speicher wieder beschreibbar ist</translation>
    </message>
    <message>
        <source>Not checked yet.</source>
        <translation>Noch nicht geprüft.</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::Page</name>
    <message>
        <source>%1 (%2)</source>
        <comment>action, shortcut</comment>
        <translation>%1 (%2)</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::ProjectDialog</name>
    <message>
        <source>New project</source>
        <translation>Neues Projekt</translation>
    </message>
    <message>
        <source>A project holds a provider&apos;s key. Its access tokens use the key and never see it.</source>
        <translation>Ein Projekt enthält den Schlüssel eines Anbieters. Seine Zugriffstoken nutzen den Schlüssel und sehen ihn nie.</translation>
    </message>
    <message>
        <source>Create project</source>
        <translation>Projekt erstellen</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Check key</source>
        <translation>Schlüssel prüfen</translation>
    </message>
    <message>
        <source>Search team</source>
        <translation>Suchteam</translation>
    </message>
    <message>
        <source>The provider&apos;s own</source>
        <translation>Die des Anbieters</translation>
    </message>
    <message>
        <source>Every model; or gpt-4o*, o3</source>
        <translation>Jedes Modell; oder gpt-4o*, o3</translation>
    </message>
    <message>
        <source>No key yet</source>
        <translation>Noch kein Schlüssel</translation>
    </message>
    <message>
        <source>Stays %1 unless you paste another</source>
        <translation>Bleibt %1, sofern Sie keinen anderen einfügen</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Provider</source>
        <translation>Anbieter</translation>
    </message>
    <message>
        <source>Provider key</source>
        <translation>Anbieterschlüssel</translation>
    </message>
    <message>
        <source>Encrypted at once, and write-only: nobody can read it back, not even you.</source>
        <translation>Wird sofort verschlüsselt und kann nur geschrieben werden: Niemand kann ihn wieder auslesen, auch Sie nicht.</translation>
    </message>
    <message>
        <source>Environment</source>
        <translation>Umgebung</translation>
    </message>
    <message>
        <source>Base URL</source>
        <translation>Basis-URL</translation>
    </message>
    <message>
        <source>Allowed models</source>
        <translation>Erlaubte Modelle</translation>
    </message>
    <message>
        <source>Asking the provider …</source>
        <translation>Anbieter wird gefragt …</translation>
    </message>
    <message>
        <source>A project needs a name.</source>
        <translation>Ein Projekt benötigt einen Namen.</translation>
    </message>
    <message>
        <source>Edit %1</source>
        <translation>%1 bearbeiten</translation>
    </message>
    <message>
        <source>The base URL was shortened to %1.</source>
        <translation>Die Basis-URL wurde auf %1 gekürzt.</translation>
    </message>
    <message>
        <source>Use this address</source>
        <translation>Diese Adresse verwenden</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>With /v1</source>
        <translation>Mit /v1</translation>
    </message>
    <message>
        <source>Without /v1</source>
        <translation>Ohne /v1</translation>
    </message>
    <message>
        <source>Automatic: the base URL shows whether the server&apos;s paths have a version.</source>
        <translation>Automatisch: Die Basis-URL zeigt, ob die Pfade des Servers eine Version enthalten.</translation>
    </message>
    <message>
        <source>Version in paths</source>
        <translation>Version in Pfaden</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::ProjectsPage</name>
    <message>
        <source>waiting for its key</source>
        <translation>wartet auf den Schlüssel</translation>
    </message>
    <message>
        <source>needs its key again</source>
        <translation>Schlüssel fehlt</translation>
    </message>
    <message>
        <source>today</source>
        <translation>heute</translation>
    </message>
    <message numerus="yes">
        <source>%n day(s)</source>
        <translation>
            <numerusform>%n Tag</numerusform>
            <numerusform>%n Tage</numerusform>
        </translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Status</translation>
    </message>
    <message>
        <source>active</source>
        <translation>aktiv</translation>
    </message>
    <message>
        <source>inactive</source>
        <translation>inaktiv</translation>
    </message>
    <message>
        <source>Provider</source>
        <translation>Anbieter</translation>
    </message>
    <message>
        <source>Key</source>
        <translation>Schlüssel</translation>
    </message>
    <message>
        <source>Key age</source>
        <translation>Schlüsselalter</translation>
    </message>
    <message>
        <source>Environment</source>
        <translation>Umgebung</translation>
    </message>
    <message>
        <source>Changed</source>
        <translation>Geändert</translation>
    </message>
    <message>
        <source>Projects and keys</source>
        <translation>Projekte und Schlüssel</translation>
    </message>
    <message>
        <source>Each project holds a provider&apos;s key, encrypted. Access tokens use it without seeing it.</source>
        <translation>Jedes Projekt enthält den Schlüssel eines Anbieters, verschlüsselt. Zugriffstoken nutzen ihn, ohne ihn zu sehen.</translation>
    </message>
    <message>
        <source>Projects</source>
        <translation>Projekte</translation>
    </message>
    <message>
        <source>New project</source>
        <translation>Neues Projekt</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>Bearbeiten</translation>
    </message>
    <message>
        <source>Rotate key</source>
        <translation>Schlüssel rotieren</translation>
    </message>
    <message>
        <source>Deactivate</source>
        <translation>Deaktivieren</translation>
    </message>
    <message>
        <source>Its tokens</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Its audit events</source>
        <translation>Audit-Ereignisse</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Find by name, provider or id</source>
        <translation>Name, Anbieter oder ID</translation>
    </message>
    <message>
        <source>Find projects</source>
        <translation>Projekte suchen</translation>
    </message>
    <message>
        <source>No projects yet</source>
        <translation>Noch keine Projekte</translation>
    </message>
    <message>
        <source>A project holds one provider&apos;s key. Make the first, and give out access tokens for it.</source>
        <translation>Ein Projekt enthält den Schlüssel eines Anbieters. Erstellen Sie das erste und geben Sie Zugriffstoken dafür aus.</translation>
    </message>
    <message>
        <source>Activate</source>
        <translation>Aktivieren</translation>
    </message>
    <message>
        <source>Project %1 created.</source>
        <translation>Projekt %1 erstellt.</translation>
    </message>
    <message>
        <source>Create a token for it</source>
        <translation>Token dafür erstellen</translation>
    </message>
    <message>
        <source>Project %1 saved.</source>
        <translation>Projekt %1 gespeichert.</translation>
    </message>
    <message>
        <source>%1 uses its new key.</source>
        <translation>%1 nutzt den neuen Schlüssel.</translation>
    </message>
    <message numerus="yes">
        <source>%n live token(s) will be refused.</source>
        <translation>
            <numerusform>%n gültiges Token wird abgelehnt.</numerusform>
            <numerusform>%n gültige Token werden abgelehnt.</numerusform>
        </translation>
    </message>
    <message>
        <source>Its tokens will be refused.</source>
        <translation>Seine Token werden abgelehnt.</translation>
    </message>
    <message>
        <source>Deactivate %1?</source>
        <translation>%1 deaktivieren?</translation>
    </message>
    <message>
        <source>Its running streams are cut at once. Nothing is deleted; you can activate it again.</source>
        <translation>Laufende Streams werden sofort abgebrochen. Gelöscht wird nichts; Sie können das Projekt wieder aktivieren.</translation>
    </message>
    <message>
        <source>%1 is active.</source>
        <translation>%1 ist aktiv.</translation>
    </message>
    <message>
        <source>%1 is inactive.</source>
        <translation>%1 ist inaktiv.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Delete %1?</source>
        <translation>%1 löschen?</translation>
    </message>
    <message>
        <source>Its keys are deleted for good. Audit events are kept.</source>
        <translation>Die Schlüssel des Projekts werden unwiderruflich gelöscht. Audit-Ereignisse bleiben erhalten.</translation>
    </message>
    <message>
        <source>%1 deleted.</source>
        <translation>%1 gelöscht.</translation>
    </message>
    <message>
        <source>ID</source>
        <translation>ID</translation>
    </message>
    <message>
        <source>Deactivate the project first</source>
        <translation>Erst das Projekt deaktivieren</translation>
    </message>
    <message>
        <source>Run with a token</source>
        <translation>Mit Token ausführen</translation>
    </message>
    <message>
        <source>Activate the project first</source>
        <translation>Zuerst das Projekt aktivieren</translation>
    </message>
    <message>
        <source>Opens a terminal with a token of this project</source>
        <translation>Öffnet ein Terminal mit einem Token dieses Projekts</translation>
    </message>
    <message>
        <source>Opened in %1.</source>
        <translation>In %1 geöffnet.</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::RefreshDialog</name>
    <message>
        <source>Refresh token</source>
        <translation>Token erneuern</translation>
    </message>
    <message>
        <source>A new token takes over the limits and counters of %1. The old one goes on for a while, so that you can exchange it without a gap.</source>
        <translation>Ein neues Token übernimmt die Limits und Zähler von %1. Das alte gilt noch eine Weile, damit Sie es ohne Lücke austauschen können.</translation>
    </message>
    <message>
        <source>Refresh</source>
        <translation>Erneuern</translation>
    </message>
    <message>
        <source>Not at all: it ends now</source>
        <translation>Gar nicht: Es endet sofort</translation>
    </message>
    <message>
        <source>1 minute</source>
        <translation>1 Minute</translation>
    </message>
    <message>
        <source>10 minutes</source>
        <translation>10 Minuten</translation>
    </message>
    <message>
        <source>1 hour</source>
        <translation>1 Stunde</translation>
    </message>
    <message>
        <source>24 hours</source>
        <translation>24 Stunden</translation>
    </message>
    <message>
        <source>The old token goes on for</source>
        <translation>Altes Token gilt weiter</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::RotateKeyDialog</name>
    <message>
        <source>Rotate key</source>
        <translation>Schlüssel rotieren</translation>
    </message>
    <message>
        <source>The new key is used from the next request on; running streams go on. Revoke the old key at the provider afterwards.</source>
        <translation>Der neue Schlüssel gilt ab der nächsten Anfrage; laufende Streams laufen weiter. Widerrufen Sie danach den alten Schlüssel beim Anbieter.</translation>
    </message>
    <message>
        <source>Provider</source>
        <translation>Anbieter</translation>
    </message>
    <message>
        <source>New key</source>
        <translation>Neuer Schlüssel</translation>
    </message>
    <message>
        <source>Paste the new key, or name where it is kept.</source>
        <translation>Fügen Sie den neuen Schlüssel ein, oder geben Sie an, wo er liegt.</translation>
    </message>
    <message>
        <source>Rotate the key of %1</source>
        <translation>Schlüssel von %1 rotieren</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::RunDialog</name>
    <message>
        <source>Only for the engine on this computer. For a server elsewhere use llm-proxy run --url</source>
        <translation>Nur für die Engine auf diesem Rechner. Für einen anderen Server: llm-proxy run --url</translation>
    </message>
    <message>
        <source>Run with a token</source>
        <translation>Mit Token ausführen</translation>
    </message>
    <message>
        <source>Opens a terminal in which the command has an access token of its own. The token is revoked when the command ends. With bubblewrap the command does not see keys, the data directory, this window and other processes.</source>
        <translation>Öffnet ein Terminal, in dem der Befehl ein eigenes Zugriffstoken hat. Das Token wird widerrufen, wenn der Befehl endet. Mit bubblewrap sieht der Befehl weder Schlüssel noch Datenverzeichnis, dieses Fenster oder andere Prozesse.</translation>
    </message>
    <message>
        <source>Open terminal</source>
        <translation>Terminal öffnen</translation>
    </message>
    <message>
        <source>Do not start the command if it cannot be isolated</source>
        <translation>Den Befehl nicht starten, wenn er nicht isoliert werden kann</translation>
    </message>
    <message>
        <source>Every model; or gpt-4o*, o3</source>
        <translation>Jedes Modell; oder gpt-4o*, o3</translation>
    </message>
    <message>
        <source>Choose …</source>
        <translation>Auswählen …</translation>
    </message>
    <message>
        <source>Project</source>
        <translation>Projekt</translation>
    </message>
    <message>
        <source>Command</source>
        <translation>Befehl</translation>
    </message>
    <message>
        <source>As you would type it in a shell</source>
        <translation>Wie in einer Shell eingegeben</translation>
    </message>
    <message>
        <source>Working directory</source>
        <translation>Arbeitsverzeichnis</translation>
    </message>
    <message>
        <source>Lifetime</source>
        <translation>Lebensdauer</translation>
    </message>
    <message>
        <source>Such as 30m, 2h or 1d</source>
        <translation>Zum Beispiel 30m, 2h oder 1d</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Command line</source>
        <translation>Befehlszeile</translation>
    </message>
    <message>
        <source>Copy command line</source>
        <translation>Befehlszeile kopieren</translation>
    </message>
    <message>
        <source>To paste into another terminal</source>
        <translation>Zum Einfügen in ein anderes Terminal</translation>
    </message>
    <message>
        <source>There is no active project.</source>
        <translation>Es gibt kein aktives Projekt.</translation>
    </message>
    <message>
        <source>A command is needed, such as a shell or an agent.</source>
        <translation>Ein Befehl fehlt, etwa eine Shell oder ein Agent.</translation>
    </message>
    <message>
        <source>The data directory is hidden from the command; choose another folder.</source>
        <translation>Das Datenverzeichnis ist vor dem Befehl verborgen; bitte einen anderen Ordner wählen.</translation>
    </message>
    <message>
        <source>There is no such folder.</source>
        <translation>Diesen Ordner gibt es nicht.</translation>
    </message>
    <message>
        <source>Not a duration; write 30m, 2h or 1d.</source>
        <translation>Keine Dauer; zum Beispiel 30m, 2h oder 1d.</translation>
    </message>
    <message>
        <source>No terminal program was found. Looked for: %1. Copy the command line and run it in a terminal.</source>
        <translation>Kein Terminalprogramm gefunden. Gesucht wurde nach: %1. Die Befehlszeile kopieren und in einem Terminal ausführen.</translation>
    </message>
    <message>
        <source>Press Enter to close.</source>
        <translation>Zum Schließen die Eingabetaste drücken.</translation>
    </message>
    <message>
        <source>%1 could not be started. Copy the command line and run it in a terminal.</source>
        <translation>%1 konnte nicht gestartet werden. Die Befehlszeile kopieren und in einem Terminal ausführen.</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::SecretField</name>
    <message>
        <source>Key</source>
        <translation>Schlüssel</translation>
    </message>
    <message>
        <source>Environment variable</source>
        <translation>Umgebungsvariable</translation>
    </message>
    <message>
        <source>File</source>
        <translation>Datei</translation>
    </message>
    <message>
        <source>How the key is given</source>
        <translation>Wie der Schlüssel angegeben wird</translation>
    </message>
    <message>
        <source>/run/secrets/openai, read when it is used</source>
        <translation>/run/secrets/openai, bei Gebrauch gelesen</translation>
    </message>
    <message>
        <source>Paste the key; it is never shown again</source>
        <translation>Einfügen; wird nie wieder gezeigt</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::SecurityPage</name>
    <message>
        <source>Security</source>
        <translation>Sicherheit</translation>
    </message>
    <message>
        <source>This installation against the checklist; the same as llm-proxy doctor.</source>
        <translation>Diese Installation, geprüft anhand der Checkliste; wie llm-proxy doctor.</translation>
    </message>
    <message>
        <source>Only open items</source>
        <translation>Nur was zu tun ist</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>Erneut prüfen</translation>
    </message>
    <message numerus="yes">
        <source>%n failed</source>
        <translation>
            <numerusform>%n fehlgeschlagen</numerusform>
            <numerusform>%n fehlgeschlagen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n to look at</source>
        <translation>
            <numerusform>%n zu beachten</numerusform>
            <numerusform>%n zu beachten</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n passed</source>
        <translation>
            <numerusform>%n bestanden</numerusform>
            <numerusform>%n bestanden</numerusform>
        </translation>
    </message>
    <message>
        <source>passed</source>
        <translation>bestanden</translation>
    </message>
    <message>
        <source>to look at</source>
        <translation>zu beachten</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>fehlgeschlagen</translation>
    </message>
    <message>
        <source>Fix: %1</source>
        <translation>Abhilfe: %1</translation>
    </message>
    <message>
        <source>Copy fix</source>
        <translation>Abhilfe kopieren</translation>
    </message>
    <message>
        <source>Copy the fix of: %1</source>
        <translation>Abhilfe kopieren für: %1</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::Session</name>
    <message>
        <source>This computer (server)</source>
        <translation>Dieser Computer (Server)</translation>
    </message>
    <message>
        <source>This computer</source>
        <translation>Dieser Computer</translation>
    </message>
    <message>
        <source>Connect to a server …</source>
        <translation>Mit einem Server verbinden …</translation>
    </message>
    <message>
        <source>Forget</source>
        <translation>Vergessen</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::SettingRow</name>
    <message>
        <source>Can only be lowered from here; raise it on the server&apos;s machine itself.</source>
        <translation>Von hier aus nur zu senken; erhöht wird der Wert auf dem Rechner des Servers selbst.</translation>
    </message>
    <message>
        <source>Can only be raised from here; lower it on the server&apos;s machine itself.</source>
        <translation>Von hier aus nur zu erhöhen; gesenkt wird der Wert auf dem Rechner des Servers selbst.</translation>
    </message>
    <message>
        <source>Can only be changed on the server&apos;s machine itself.</source>
        <translation>Nur auf dem Rechner des Servers selbst zu ändern.</translation>
    </message>
    <message>
        <source>given on the command line, which wins over what is saved here</source>
        <translation>von der Befehlszeile; hat Vorrang vor hier Gespeichertem</translation>
    </message>
    <message>
        <source>given in the environment, which wins over what is saved here</source>
        <translation>aus der Umgebung; hat Vorrang vor hier Gespeichertem</translation>
    </message>
    <message>
        <source>given in .env, which wins over what is saved here</source>
        <translation>aus .env; hat Vorrang vor hier Gespeichertem</translation>
    </message>
    <message>
        <source>saved here</source>
        <translation>hier gespeichert</translation>
    </message>
    <message>
        <source>default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>needs a restart</source>
        <translation>erfordert Neustart</translation>
    </message>
    <message>
        <source>Set; never shown. Given by the environment or .env.</source>
        <translation>Gesetzt; wird nie angezeigt. Aus der Umgebung oder .env.</translation>
    </message>
    <message>
        <source>Not set; given by the environment or .env.</source>
        <translation>Nicht gesetzt; über die Umgebung oder .env anzugeben.</translation>
    </message>
    <message>
        <source>Now %1</source>
        <translation>Jetzt %1</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Leer</translation>
    </message>
    <message>
        <source>Accepted: %1</source>
        <translation>Zulässig: %1</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>Zurücksetzen</translation>
    </message>
    <message>
        <source>Reset %1 to its default</source>
        <translation>%1 auf den Standard zurücksetzen</translation>
    </message>
    <message>
        <source>Not changed here: %1</source>
        <translation>Hier nicht änderbar: %1</translation>
    </message>
    <message>
        <source>saved, not in use yet</source>
        <translation>gespeichert, noch nicht wirksam</translation>
    </message>
    <message>
        <source>Default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>Default: %1</source>
        <translation>Standard: %1</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::SettingsPage</name>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Of the server, and of this console. A flag, the environment and .env win over what is saved here.</source>
        <translation>Des Servers und dieser Konsole. Befehlszeile, Umgebung und .env haben Vorrang vor hier Gespeichertem.</translation>
    </message>
    <message>
        <source>Discard changes</source>
        <translation>Änderungen verwerfen</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Restart the engine</source>
        <translation>Engine neu starten</translation>
    </message>
    <message>
        <source>Find a setting</source>
        <translation>Einstellung suchen</translation>
    </message>
    <message>
        <source>Groups of settings</source>
        <translation>Gruppen von Einstellungen</translation>
    </message>
    <message>
        <source>This console</source>
        <translation>Diese Konsole</translation>
    </message>
    <message>
        <source>Like the system</source>
        <translation>Wie das System</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>Erscheinungsbild</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>Sprache</translation>
    </message>
    <message>
        <source>The language changes when LLM Proxy is started next.</source>
        <translation>Die Sprache wechselt beim nächsten Start der Konsole.</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>Fragen</translation>
    </message>
    <message>
        <source>Keep running in the tray</source>
        <translation>Im Infobereich weiterlaufen</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>When the window is closed</source>
        <translation>Beim Schließen des Fensters</translation>
    </message>
    <message>
        <source>Connect to a server …</source>
        <translation>Mit einem Server verbinden …</translation>
    </message>
    <message>
        <source>Server</source>
        <translation>Server</translation>
    </message>
    <message>
        <source>Saved.</source>
        <translation>Gespeichert.</translation>
    </message>
    <message>
        <source>Saved changes take effect when the engine is restarted.</source>
        <translation>Gespeichertes wirkt, sobald die Engine neu startet.</translation>
    </message>
    <message>
        <source>Restart the engine?</source>
        <translation>Engine neu starten?</translation>
    </message>
    <message>
        <source>What was typed in the settings is gone: it was for another server.</source>
        <translation>Die Eingaben in den Einstellungen sind verworfen: Sie galten einem anderen Server.</translation>
    </message>
    <message>
        <source>Settings were changed and not saved.</source>
        <translation>Einstellungen wurden geändert und nicht gespeichert.</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::Table</name>
    <message>
        <source>Reset columns</source>
        <translation>Spalten zurücksetzen</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::Toast</name>
    <message>
        <source>Message</source>
        <translation>Meldung</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::TokenDialog</name>
    <message>
        <source>I have saved the token</source>
        <translation>Ich habe das Token gespeichert</translation>
    </message>
    <message>
        <source>New access token</source>
        <translation>Neues Zugriffstoken</translation>
    </message>
    <message>
        <source>Your access token</source>
        <translation>Ihr Zugriffstoken</translation>
    </message>
    <message>
        <source>It is shown this once. Only a hash of it is kept, so nobody can show it again. The clipboard forgets it after a minute.</source>
        <translation>Es wird nur dieses eine Mal angezeigt. Gespeichert wird nur ein Hash, daher kann es niemand wieder anzeigen. Die Zwischenablage vergisst es nach einer Minute.</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Fertig</translation>
    </message>
    <message>
        <source>The old token is still accepted for %1.</source>
        <translation>Das alte Token wird noch %1 lang angenommen.</translation>
    </message>
    <message>
        <source>The old token is refused now.</source>
        <translation>Das alte Token wird jetzt abgelehnt.</translation>
    </message>
    <message>
        <source>Close without copying?</source>
        <translation>Schließen, ohne zu kopieren?</translation>
    </message>
    <message>
        <source>The token was not copied. Once this closes nobody can show it again; you would revoke it and make another.</source>
        <translation>Das Token wurde nicht kopiert. Nach dem Schließen kann es niemand mehr anzeigen; Sie müssten es widerrufen und ein neues erstellen.</translation>
    </message>
    <message>
        <source>Close all the same</source>
        <translation>Trotzdem schließen</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::TokenFormDialog</name>
    <message>
        <source>Coding agent: 24 hours, 600 requests a minute</source>
        <translation>Programmieragent: 24 Stunden, 600 Anfragen pro Minute</translation>
    </message>
    <message>
        <source>Script: 1 hour, 60 requests a minute, 1,000 in all</source>
        <translation>Skript: 1 Stunde, 60 Anfragen pro Minute, 1.000 insgesamt</translation>
    </message>
    <message>
        <source>CI job: 30 minutes, 120 requests a minute, 500 in all</source>
        <translation>CI-Job: 30 Minuten, 120 Anfragen pro Minute, 500 insgesamt</translation>
    </message>
    <message>
        <source>Service: 30 days, 600 requests a minute</source>
        <translation>Dienst: 30 Tage, 600 Anfragen pro Minute</translation>
    </message>
    <message>
        <source>Demonstration: 15 minutes, 30 requests in all</source>
        <translation>Vorführung: 15 Minuten, 30 Anfragen insgesamt</translation>
    </message>
    <message>
        <source>No limit</source>
        <translation>Unbegrenzt</translation>
    </message>
    <message>
        <source>New access token</source>
        <translation>Neues Zugriffstoken</translation>
    </message>
    <message>
        <source>Short-lived, limited, revocable at once. What a token may not do is refused before the provider hears of it.</source>
        <translation>Kurzlebig, begrenzt, sofort widerrufbar. Was ein Token nicht darf, wird abgelehnt, bevor der Anbieter davon erfährt.</translation>
    </message>
    <message>
        <source>Create token</source>
        <translation>Token erstellen</translation>
    </message>
    <message>
        <source>minutes</source>
        <translation>Minuten</translation>
    </message>
    <message>
        <source>hours</source>
        <translation>Stunden</translation>
    </message>
    <message>
        <source>days</source>
        <translation>Tage</translation>
    </message>
    <message>
        <source>Lifetime</source>
        <translation>Lebensdauer</translation>
    </message>
    <message>
        <source>Unit of the lifetime</source>
        <translation>Einheit der Lebensdauer</translation>
    </message>
    <message>
        <source>Project</source>
        <translation>Projekt</translation>
    </message>
    <message>
        <source>For</source>
        <translation>Für</translation>
    </message>
    <message>
        <source>Limits of %1</source>
        <translation>Limits von %1</translation>
    </message>
    <message>
        <source>Changes apply from the next request on. A token&apos;s end can only come earlier: revoke it, or refresh it for a new one.</source>
        <translation>Änderungen gelten ab der nächsten Anfrage. Das Ende eines Tokens lässt sich nur vorziehen: Widerrufen Sie es, oder erneuern Sie es, um ein neues zu erhalten.</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source> a minute</source>
        <translation> pro Minute</translation>
    </message>
    <message>
        <source> in all</source>
        <translation> insgesamt</translation>
    </message>
    <message>
        <source> at once</source>
        <translation> gleichzeitig</translation>
    </message>
    <message>
        <source>Who or what uses it</source>
        <translation>Wer oder was es nutzt</translation>
    </message>
    <message>
        <source>Every model; or gpt-4o*, o3</source>
        <translation>Jedes Modell; oder gpt-4o*, o3</translation>
    </message>
    <message>
        <source>Every address; or 10.0.0.0/8, ::1</source>
        <translation>Jede Adresse; oder 10.0.0.0/8, ::1</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Rate limit</source>
        <translation>Ratenlimit</translation>
    </message>
    <message>
        <source>Requests</source>
        <translation>Anfragen</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Addresses</source>
        <translation>Adressen</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Notiz</translation>
    </message>
    <message>
        <source>Create or activate a project first: a token belongs to one.</source>
        <translation>Erstellen Sie zuerst ein aktives Projekt: Ein Token gehört zu einem Projekt.</translation>
    </message>
    <message>
        <source>Concurrent</source>
        <translation>Gleichzeitig</translation>
    </message>
    <message>
        <source>Every endpoint; or /v1/chat/*, /v1/models</source>
        <translation>Jeder Endpunkt, oder /v1/chat/*, /v1/models</translation>
    </message>
    <message>
        <source>Endpoints</source>
        <translation>Endpunkte</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::TokenView</name>
    <message>
        <source>Access token</source>
        <translation>Zugriffstoken</translation>
    </message>
    <message>
        <source>Copy token</source>
        <translation>Token kopieren</translation>
    </message>
    <message>
        <source>Ready to paste</source>
        <translation>Zum Einfügen bereit</translation>
    </message>
    <message>
        <source>Copy for %1</source>
        <translation>Für %1 kopieren</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::TokensPage</name>
    <message>
        <source>Access tokens</source>
        <translation>Zugriffstoken</translation>
    </message>
    <message>
        <source>What you hand out instead of a key.</source>
        <translation>Was Sie anstelle eines Schlüssels ausgeben.</translation>
    </message>
    <message>
        <source>New token</source>
        <translation>Neues Token</translation>
    </message>
    <message>
        <source>Edit limits</source>
        <translation>Limits bearbeiten</translation>
    </message>
    <message>
        <source>Refresh</source>
        <translation>Erneuern</translation>
    </message>
    <message>
        <source>Revoke</source>
        <translation>Widerrufen</translation>
    </message>
    <message>
        <source>Revoke all of a project</source>
        <translation>Alle Token eines Projekts widerrufen</translation>
    </message>
    <message>
        <source>Its audit events</source>
        <translation>Audit-Ereignisse</translation>
    </message>
    <message>
        <source>Copy id</source>
        <translation>ID kopieren</translation>
    </message>
    <message>
        <source>Copied.</source>
        <translation>Kopiert.</translation>
    </message>
    <message>
        <source>Find by name</source>
        <translation>Nach Name suchen</translation>
    </message>
    <message>
        <source>Find tokens by name</source>
        <translation>Token nach Name suchen</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Status</translation>
    </message>
    <message>
        <source>Every state</source>
        <translation>Alle Status</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>Gültig</translation>
    </message>
    <message>
        <source>In grace</source>
        <translation>Nachfrist</translation>
    </message>
    <message>
        <source>Expired</source>
        <translation>Abgelaufen</translation>
    </message>
    <message>
        <source>Revoked</source>
        <translation>Widerrufen</translation>
    </message>
    <message>
        <source>Project</source>
        <translation>Projekt</translation>
    </message>
    <message>
        <source>Every project</source>
        <translation>Alle Projekte</translation>
    </message>
    <message>
        <source>No tokens here</source>
        <translation>Keine Token</translation>
    </message>
    <message>
        <source>Hand out a token instead of the provider&apos;s key: it ends by itself, has limits, and can be revoked at once.</source>
        <translation>Geben Sie statt des Anbieterschlüssels ein Token aus: Es läuft von selbst ab, hat Limits und lässt sich sofort widerrufen.</translation>
    </message>
    <message numerus="yes">
        <source>The newest %n token(s) are shown. Narrow the filter to find older ones.</source>
        <translation>
            <numerusform>Nur %n Token, das neueste, wird gezeigt. Grenzen Sie den Filter ein, um ältere zu finden.</numerusform>
            <numerusform>Die neuesten %n Token werden gezeigt. Grenzen Sie den Filter ein, um ältere zu finden.</numerusform>
        </translation>
    </message>
    <message>
        <source>Choose a project first</source>
        <translation>Zuerst ein Projekt wählen</translation>
    </message>
    <message>
        <source>Limits of %1 saved.</source>
        <translation>Limits von %1 gespeichert.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Change undone.</source>
        <translation>Wie zuvor.</translation>
    </message>
    <message numerus="yes">
        <source>%n running stream(s) will be cut.</source>
        <translation>
            <numerusform>%n laufender Stream wird abgebrochen.</numerusform>
            <numerusform>%n laufende Streams werden abgebrochen.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Revoke %n token(s)?</source>
        <translation>
            <numerusform>%n Token widerrufen?</numerusform>
            <numerusform>%n Token widerrufen?</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n token(s) revoked.</source>
        <translation>
            <numerusform>%n Token widerrufen.</numerusform>
            <numerusform>%n Token widerrufen.</numerusform>
        </translation>
    </message>
    <message>
        <source>Revoke every token of %1?</source>
        <translation>Alle Token von %1 widerrufen?</translation>
    </message>
    <message>
        <source>Revoked tokens never work again.</source>
        <translation>Widerrufene Token funktionieren nie wieder.</translation>
    </message>
    <message>
        <source>Revoke all</source>
        <translation>Alle widerrufen</translation>
    </message>
    <message numerus="yes">
        <source>%n stream(s) cut.</source>
        <translation>
            <numerusform>%n Stream abgebrochen.</numerusform>
            <numerusform>%n Streams abgebrochen.</numerusform>
        </translation>
    </message>
    <message>
        <source>A revoked token never works again, and neither do those it was refreshed from or to.</source>
        <translation>Ein widerrufenes Token funktioniert nie wieder, ebenso wenig seine Vorgänger und Nachfolger.</translation>
    </message>
    <message>
        <source>No token fits the filter</source>
        <translation>Kein Token passt zum Filter</translation>
    </message>
    <message>
        <source>Search for something else, or choose every state and every project.</source>
        <translation>Suchen Sie nach etwas anderem, oder wählen Sie alle Status und alle Projekte.</translation>
    </message>
    <message>
        <source>Run with a token</source>
        <translation>Mit Token ausführen</translation>
    </message>
    <message>
        <source>Opens a terminal with a fresh token</source>
        <translation>Öffnet ein Terminal mit einem neuen Token</translation>
    </message>
    <message>
        <source>There is no active project</source>
        <translation>Es gibt kein aktives Projekt</translation>
    </message>
    <message>
        <source>Activate the project first</source>
        <translation>Zuerst das Projekt aktivieren</translation>
    </message>
    <message>
        <source>Opened in %1.</source>
        <translation>In %1 geöffnet.</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::Tray</name>
    <message>
        <source>Open LLM Proxy</source>
        <translation>LLM Proxy öffnen</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>LLM Proxy: the engine does not answer</source>
        <translation>LLM Proxy: Die Engine antwortet nicht</translation>
    </message>
    <message>
        <source>LLM Proxy: running</source>
        <translation>LLM Proxy: läuft</translation>
    </message>
    <message>
        <source>LLM Proxy: stopped</source>
        <translation>LLM Proxy: gestoppt</translation>
    </message>
    <message>
        <source>Stop the engine</source>
        <translation>Engine stoppen</translation>
    </message>
    <message>
        <source>Start the engine</source>
        <translation>Engine starten</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::UsagePage</name>
    <message>
        <source>Usage</source>
        <translation>Nutzung</translation>
    </message>
    <message>
        <source>What was asked for, by whom, and what came back.</source>
        <translation>Was angefragt wurde, von wem und was zurückkam.</translation>
    </message>
    <message>
        <source>Model tokens</source>
        <translation>Modell-Token</translation>
    </message>
    <message>
        <source>Cached</source>
        <translation>Aus dem Cache</translation>
    </message>
    <message>
        <source>Reasoning</source>
        <translation>Nachdenken</translation>
    </message>
    <message>
        <source>Save as CSV</source>
        <translation>Als CSV speichern</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Requests</source>
        <translation>Anfragen</translation>
    </message>
    <message>
        <source>Errors</source>
        <translation>Fehler</translation>
    </message>
    <message>
        <source>Refused</source>
        <translation>Abgelehnt</translation>
    </message>
    <message>
        <source>Sent</source>
        <translation>Gesendet</translation>
    </message>
    <message>
        <source>Received</source>
        <translation>Empfangen</translation>
    </message>
    <message>
        <source>Grouped by</source>
        <translation>Gruppiert nach</translation>
    </message>
    <message>
        <source>By project</source>
        <translation>Nach Projekt</translation>
    </message>
    <message>
        <source>By token</source>
        <translation>Nach Token</translation>
    </message>
    <message>
        <source>By model</source>
        <translation>Nach Modell</translation>
    </message>
    <message>
        <source>By provider</source>
        <translation>Nach Anbieter</translation>
    </message>
    <message>
        <source>By day</source>
        <translation>Nach Tag</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeitraum</translation>
    </message>
    <message>
        <source>Last hour</source>
        <translation>Letzte Stunde</translation>
    </message>
    <message>
        <source>Last 24 hours</source>
        <translation>Letzte 24 Stunden</translation>
    </message>
    <message>
        <source>Last 7 days</source>
        <translation>Letzte 7 Tage</translation>
    </message>
    <message>
        <source>Last 30 days</source>
        <translation>Letzte 30 Tage</translation>
    </message>
    <message>
        <source>Last 365 days</source>
        <translation>Letzte 365 Tage</translation>
    </message>
    <message>
        <source>Nothing was used</source>
        <translation>Keine Nutzung</translation>
    </message>
    <message>
        <source>No requests in this time. Choose a longer one, or hand out a token.</source>
        <translation>In diesem Zeitraum kam keine Anfrage an. Wählen Sie einen längeren, oder geben Sie ein Token aus.</translation>
    </message>
    <message>
        <source>Requests: %1 · Errors: %2 · Model tokens: %3</source>
        <translation>Anfragen: %1 · Fehler: %2 · Modell-Token: %3</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>gesendet</translation>
    </message>
    <message>
        <source>received</source>
        <translation>empfangen</translation>
    </message>
    <message>
        <source>%1 (UTC)</source>
        <translation>%1 (UTC)</translation>
    </message>
    <message>
        <source>not known</source>
        <translation>unbekannt</translation>
    </message>
    <message>
        <source>CSV (*.csv)</source>
        <translation>CSV (*.csv)</translation>
    </message>
    <message>
        <source>%1 written.</source>
        <translation>%1 geschrieben.</translation>
    </message>
    <message>
        <source>%1 cannot be written: %2</source>
        <translation>%1 kann nicht geschrieben werden: %2</translation>
    </message>
    <message>
        <source>Median</source>
        <translation>Median</translation>
    </message>
    <message>
        <source>95th percentile</source>
        <translation>95. Perzentil</translation>
    </message>
</context>
<context>
    <name>llmproxy::ui::VerifyDialog</name>
    <message>
        <source>Reading every event of the files and the table …</source>
        <translation>Jedes Ereignis der Dateien und der Tabelle wird gelesen …</translation>
    </message>
    <message>
        <source>Verify the audit log</source>
        <translation>Audit-Log prüfen</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>The verification continues on the server; its result is recorded in the log</source>
        <translation>Eine laufende Prüfung geht auf dem Server weiter; ihr Ergebnis steht im Log</translation>
    </message>
    <message>
        <source>%1 of %2 events</source>
        <translation>%1 von %2 Ereignissen</translation>
    </message>
    <message>
        <source>The log is intact: nothing changed, nothing missing. It took %1.</source>
        <translation>Das Log entspricht dem, was geschrieben wurde: nichts verändert, nichts fehlt. Dauer: %1.</translation>
    </message>
    <message>
        <source>The log was changed or is incomplete: %1</source>
        <translation>Das Log entspricht nicht dem, was geschrieben wurde: %1</translation>
    </message>
    <message>
        <source>Valid</source>
        <translation>Gültig</translation>
    </message>
    <message>
        <source>Not valid, from event %1</source>
        <translation>Ungültig ab Ereignis %1</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>Dateien</translation>
    </message>
    <message>
        <source>Table</source>
        <translation>Tabelle</translation>
    </message>
    <message>
        <source>%1 – events: %2 (%3 to %4), signed checkpoints: %5, signed up to %6</source>
        <translation>%1 – Ereignisse: %2 (%3 bis %4), signierte Prüfpunkte: %5, signiert bis %6</translation>
    </message>
    <message>
        <source>Event %1: %2</source>
        <translation>Ereignis %1: %2</translation>
    </message>
</context>
</TS>
