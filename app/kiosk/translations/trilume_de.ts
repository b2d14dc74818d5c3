<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
    <context>
        <name>About</name>
        <message>
            <source>Model</source>
            <translation>Modell</translation>
        </message>
        <message>
            <source>Digest</source>
            <translation>Prüfsumme</translation>
        </message>
        <message>
            <source>Trained on</source>
            <translation>Trainiert mit</translation>
        </message>
        <message>
            <source>Sensors</source>
            <translation>Sensoren</translation>
        </message>
        <message>
            <source>Folder</source>
            <translation>Ordner</translation>
        </message>
        <message>
            <source>Licence</source>
            <translation>Lizenz</translation>
        </message>
        <message>
            <source>simulated data</source>
            <translation>simulierten Daten</translation>
        </message>
        <message>
            <source>real captures</source>
            <translation>echten Aufnahmen</translation>
        </message>
        <message>
            <source>About trilume</source>
            <translation>Über trilume</translation>
        </message>
        <message>
            <source>Libraries and their licences</source>
            <translation>Bibliotheken und ihre Lizenzen</translation>
        </message>
        <message>
            <source>A verdict is a statistical statement. Figures of a model trained on simulated data are simulated.</source>
            <translation>Ein Urteil ist eine statistische Aussage. Kennzahlen eines mit simulierten Daten trainierten Modells sind simuliert.</translation>
        </message>
    </context>
    <context>
        <name>Badge</name>
        <message>
            <source>not judged yet</source>
            <translation>noch kein Urteil</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>Lebend</translation>
        </message>
        <message>
            <source>Attack suspected</source>
            <translation>Verdacht auf Angriff</translation>
        </message>
        <message>
            <source>Not decided</source>
            <translation>Nicht entschieden</translation>
        </message>
        <message>
            <source>Not decided: {0}</source>
            <translation>Nicht entschieden: {0}</translation>
        </message>
    </context>
    <context>
        <name>CheckRow</name>
        <message>
            <source>face</source>
            <translation>Gesicht</translation>
        </message>
        <message>
            <source>one face</source>
            <translation>ein Gesicht</translation>
        </message>
        <message>
            <source>no single face</source>
            <translation>nicht genau ein Gesicht</translation>
        </message>
        <message>
            <source>distance</source>
            <translation>Abstand</translation>
        </message>
        <message>
            <source>{0} m</source>
            <translation>{0} m</translation>
        </message>
        <message>
            <source>pose</source>
            <translation>Haltung</translation>
        </message>
        <message>
            <source>turned {0}°</source>
            <translation>gedreht {0}°</translation>
        </message>
        <message>
            <source>lost</source>
            <translation>Verlust</translation>
        </message>
        <message>
            <source>lost {0} %</source>
            <translation>Verlust {0} %</translation>
        </message>
        <message>
            <source>exposure</source>
            <translation>Belichtung</translation>
        </message>
        <message>
            <source>infrared</source>
            <translation>Infrarot</translation>
        </message>
        <message>
            <source>colour</source>
            <translation>Farbe</translation>
        </message>
        <message>
            <source>exposure: {0}</source>
            <translation>Belichtung: {0}</translation>
        </message>
    </context>
    <context>
        <name>Controls</name>
        <message>
            <source>Play</source>
            <translation>Abspielen</translation>
        </message>
        <message>
            <source>Play or pause (Space)</source>
            <translation>Abspielen oder anhalten (Leertaste)</translation>
        </message>
        <message>
            <source>Speed (+ and −)</source>
            <translation>Tempo (+ und −)</translation>
        </message>
        <message>
            <source>Frame shown</source>
            <translation>Gezeigtes Bild</translation>
        </message>
        <message>
            <source>← → one frame, with Shift one second; Home, End; [ ] loop</source>
            <translation>← → ein Bild, mit Umschalt eine Sekunde; Pos1, Ende; [ ] Schleife</translation>
        </message>
        <message>
            <source>Next change</source>
            <translation>Nächster Wechsel</translation>
        </message>
        <message>
            <source>To the next frame with another verdict (V)</source>
            <translation>Zum nächsten Bild mit anderem Urteil (V)</translation>
        </message>
        <message>
            <source>Reason to look for</source>
            <translation>Gesuchter Grund</translation>
        </message>
        <message>
            <source>Next with reason</source>
            <translation>Nächstes mit Grund</translation>
        </message>
        <message>
            <source>To the next frame with this reason (J)</source>
            <translation>Zum nächsten Bild mit diesem Grund (J)</translation>
        </message>
        <message>
            <source>Snapshot</source>
            <translation>Schnappschuss</translation>
        </message>
        <message>
            <source>Everything shown as a picture file (S)</source>
            <translation>Alles Gezeigte als Bilddatei (S)</translation>
        </message>
        <message>
            <source>Pause</source>
            <translation>Anhalten</translation>
        </message>
    </context>
    <context>
        <name>Gauge</name>
        <message>
            <source>{0} attack score</source>
            <translation>{0}: Angriffswert</translation>
        </message>
        <message>
            <source>attack score</source>
            <translation>Angriffswert</translation>
        </message>
        <message>
            <source>rejects from {0}</source>
            <translation>Ablehnung ab {0}</translation>
        </message>
    </context>
    <context>
        <name>Keys</name>
        <message>
            <source>Live, studio, replay</source>
            <translation>Live, Studio, Wiedergabe</translation>
        </message>
        <message>
            <source>Start or stop the camera</source>
            <translation>Kamera starten oder anhalten</translation>
        </message>
        <message>
            <source>Next person: forget the session so far</source>
            <translation>Nächste Person: bisherige Sitzung verwerfen</translation>
        </message>
        <message>
            <source>Open a recording</source>
            <translation>Aufnahme öffnen</translation>
        </message>
        <message>
            <source>Choose the source</source>
            <translation>Quelle wählen</translation>
        </message>
        <message>
            <source>Record a take, end it</source>
            <translation>Aufnahme beginnen, beenden</translation>
        </message>
        <message>
            <source>Save a picture of the window</source>
            <translation>Bild des Fensters speichern</translation>
        </message>
        <message>
            <source>Full screen for the person in front of the camera</source>
            <translation>Vollbild für die Person vor der Kamera</translation>
        </message>
        <message>
            <source>Back to the operator's view</source>
            <translation>Zurück zur Bedienansicht</translation>
        </message>
        <message>
            <source>Replay: play, pause</source>
            <translation>Wiedergabe: abspielen, anhalten</translation>
        </message>
        <message>
            <source>Replay: one frame; with Shift one second</source>
            <translation>Wiedergabe: ein Bild; mit Umschalt eine Sekunde</translation>
        </message>
        <message>
            <source>Replay: first, last frame</source>
            <translation>Wiedergabe: erstes, letztes Bild</translation>
        </message>
        <message>
            <source>Replay: begin, end of the loop</source>
            <translation>Wiedergabe: Anfang, Ende der Schleife</translation>
        </message>
        <message>
            <source>Replay: faster, slower</source>
            <translation>Wiedergabe: schneller, langsamer</translation>
        </message>
        <message>
            <source>Leave the kiosk, with the PIN</source>
            <translation>Kiosk verlassen, mit der PIN</translation>
        </message>
        <message>
            <source>Settings</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>These keys</source>
            <translation>Diese Übersicht</translation>
        </message>
        <message>
            <source>Quit</source>
            <translation>Beenden</translation>
        </message>
        <message>
            <source>Keys</source>
            <translation>Tastenkürzel</translation>
        </message>
    </context>
    <context>
        <name>KioskWindow</name>
        <message>
            <source>trilume</source>
            <translation>trilume</translation>
        </message>
    </context>
    <context>
        <name>LiveView</name>
        <message>
            <source>Colour</source>
            <translation>Farbe</translation>
        </message>
        <message>
            <source>Depth, mm</source>
            <translation>Tiefe, mm</translation>
        </message>
        <message>
            <source>Infrared</source>
            <translation>Infrarot</translation>
        </message>
        <message>
            <source>Values under the cursor</source>
            <translation>Werte unter dem Zeiger</translation>
        </message>
        <message>
            <source>Depth scale from</source>
            <translation>Tiefenskala von</translation>
        </message>
        <message>
            <source>Depth scale to</source>
            <translation>Tiefenskala bis</translation>
        </message>
        <message>
            <source>no return</source>
            <translation>kein Messwert</translation>
        </message>
        <message numerus="yes">
            <source>%n mm</source>
            <translation>
                <numerusform>%n mm</numerusform>
                <numerusform>%n mm</numerusform>
            </translation>
        </message>
        <message>
            <source>x {0}   y {1}   depth {2}   IR {3}   RGB {4}</source>
            <translation>x {0}   y {1}   Tiefe {2}   IR {3}   RGB {4}</translation>
        </message>
        <message>
            <source>no picture</source>
            <translation>kein Bild</translation>
        </message>
        <message>
            <source>the recording is over</source>
            <translation>die Aufnahme ist zu Ende</translation>
        </message>
        <message>
            <source>stopped</source>
            <translation>angehalten</translation>
        </message>
        <message>
            <source>stale picture</source>
            <translation>veraltetes Bild</translation>
        </message>
        <message>
            <source>stale picture: {0} s old</source>
            <translation>veraltetes Bild: {0} s alt</translation>
        </message>
        <message>
            <source>Point at a picture to read its values. Double click shows all of it.</source>
            <translation>Auf ein Bild zeigen, um Werte zu lesen. Doppelklick zeigt es ganz.</translation>
        </message>
        <message>
            <source>Colour, depth and infrared</source>
            <translation>Farbe, Tiefe und Infrarot</translation>
        </message>
        <message>
            <source>Working distance</source>
            <translation>Arbeitsabstand</translation>
        </message>
        <message>
            <source>Depth scale back to the distances at which faces are judged</source>
            <translation>Tiefenskala zurück auf die Abstände, in denen Gesichter beurteilt werden</translation>
        </message>
        <message>
            <source>Depth scale</source>
            <translation>Tiefenskala</translation>
        </message>
    </context>
    <context>
        <name>MainWindow</name>
        <message>
            <source>Not while a take is being recorded.</source>
            <translation>Nicht während einer Aufnahme.</translation>
        </message>
        <message>
            <source>Next person</source>
            <translation>Nächste Person</translation>
        </message>
        <message>
            <source>Start</source>
            <translation>Start</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Stopp</translation>
        </message>
        <message>
            <source>A view has failed and stands still; the log tells why</source>
            <translation>Eine Ansicht ist ausgefallen und steht still; das Protokoll sagt, warum</translation>
        </message>
        <message>
            <source>No picture saved: {}</source>
            <translation>Kein Bild gespeichert: {}</translation>
        </message>
        <message>
            <source>Saved {}</source>
            <translation>Gespeichert: {}</translation>
        </message>
        <message>
            <source>Open a recording… (Ctrl+O)</source>
            <translation>Aufnahme öffnen … (Strg+O)</translation>
        </message>
        <message>
            <source>Start or stop the source (F5)</source>
            <translation>Quelle starten oder anhalten (F5)</translation>
        </message>
        <message>
            <source>Forget the session so far (N)</source>
            <translation>Bisherige Sitzung verwerfen (N)</translation>
        </message>
        <message>
            <source>Menu</source>
            <translation>Menü</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>Live</translation>
        </message>
        <message>
            <source>What the camera sees and why it is judged so (Ctrl+1)</source>
            <translation>Was die Kamera sieht und warum so geurteilt wird (Strg+1)</translation>
        </message>
        <message>
            <source>Studio</source>
            <translation>Studio</translation>
        </message>
        <message>
            <source>Record takes for a data set (Ctrl+2)</source>
            <translation>Aufnahmen für einen Datensatz (Strg+2)</translation>
        </message>
        <message>
            <source>Replay</source>
            <translation>Wiedergabe</translation>
        </message>
        <message>
            <source>Look at a recording frame by frame (Ctrl+3)</source>
            <translation>Aufnahme Bild für Bild ansehen (Strg+3)</translation>
        </message>
        <message>
            <source>Open a recording…</source>
            <translation>Aufnahme öffnen …</translation>
        </message>
        <message>
            <source>Save a picture of the window</source>
            <translation>Bild des Fensters speichern</translation>
        </message>
        <message>
            <source>Record a take</source>
            <translation>Aufnehmen</translation>
        </message>
        <message>
            <source>Full screen for the person</source>
            <translation>Vollbild für die Person</translation>
        </message>
        <message>
            <source>Settings…</source>
            <translation>Einstellungen …</translation>
        </message>
        <message>
            <source>Keys</source>
            <translation>Tastenkürzel</translation>
        </message>
        <message>
            <source>About trilume</source>
            <translation>Über trilume</translation>
        </message>
        <message>
            <source>Quit</source>
            <translation>Beenden</translation>
        </message>
        <message>
            <source>Choose the source</source>
            <translation>Quelle wählen</translation>
        </message>
        <message>
            <source>Start or stop</source>
            <translation>Starten oder anhalten</translation>
        </message>
        <message>
            <source>Operator's view</source>
            <translation>Bedienansicht</translation>
        </message>
    </context>
    <context>
        <name>PatchMap</name>
        <message>
            <source>Patches of the face and their scores</source>
            <translation>Ausschnitte des Gesichts und ihre Werte</translation>
        </message>
        <message>
            <source>patch at ({0}, {1}), {2} px: score {3}, weight α {4}</source>
            <translation>Ausschnitt bei ({0}, {1}), {2} px: Wert {3}, Gewicht α {4}</translation>
        </message>
        <message>
            <source>score by place</source>
            <translation>Wert nach Ort</translation>
        </message>
        <message>
            <source>each patch, area: weight α</source>
            <translation>Ausschnitte, Fläche: α</translation>
        </message>
    </context>
    <context>
        <name>PinPad</name>
        <message>
            <source>PIN</source>
            <translation>PIN</translation>
        </message>
        <message>
            <source>Enter the PIN</source>
            <translation>PIN eingeben</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>Löschen</translation>
        </message>
        <message>
            <source>OK</source>
            <translation>OK</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Too many wrong PINs: wait %1 s</source>
            <translation>Zu viele falsche PINs: %1 s warten</translation>
        </message>
        <message>
            <source>Wrong PIN</source>
            <translation>Falsche PIN</translation>
        </message>
    </context>
    <context>
        <name>Plots</name>
        <message>
            <source>session</source>
            <translation>Sitzung</translation>
        </message>
        <message>
            <source>frame</source>
            <translation>Bild</translation>
        </message>
        <message>
            <source>Scores of the last 20 seconds</source>
            <translation>Werte der letzten 20 Sekunden</translation>
        </message>
        <message>
            <source>Time per stage of the last 20 seconds</source>
            <translation>Zeit je Stufe in den letzten 20 Sekunden</translation>
        </message>
        <message>
            <source>face</source>
            <translation>Gesicht</translation>
        </message>
        <message>
            <source>registration</source>
            <translation>Registrierung</translation>
        </message>
        <message>
            <source>gate</source>
            <translation>Eingangsprüfung</translation>
        </message>
        <message>
            <source>depth stage</source>
            <translation>Tiefenstufe</translation>
        </message>
        <message>
            <source>D-Net</source>
            <translation>D-Net</translation>
        </message>
        <message>
            <source>reflectance stage</source>
            <translation>Reflexionsstufe</translation>
        </message>
        <message>
            <source>M-Net</source>
            <translation>M-Net</translation>
        </message>
        <message>
            <source>The last 20 seconds</source>
            <translation>Die letzten 20 Sekunden</translation>
        </message>
        <message>
            <source>attack score (log odds), dashed: rejects from</source>
            <translation>Angriffswert (Log-Odds), gestrichelt: Ablehnung ab</translation>
        </message>
        <message>
            <source>ms per frame</source>
            <translation>ms je Bild</translation>
        </message>
    </context>
    <context>
        <name>ProtocolPanel</name>
        <message>
            <source>Open a protocol…</source>
            <translation>Protokoll öffnen …</translation>
        </message>
        <message>
            <source>Fill in the next take</source>
            <translation>Nächste Aufnahme eintragen</translation>
        </message>
        <message>
            <source>Progress of the protocol</source>
            <translation>Fortschritt des Protokolls</translation>
        </message>
        <message>
            <source>Protocol</source>
            <translation>Protokoll</translation>
        </message>
        <message>
            <source>Protocols (*.toml *.csv)</source>
            <translation>Protokolle (*.toml *.csv)</translation>
        </message>
        <message>
            <source>{0} of {1} takes</source>
            <translation>{0} von {1} Aufnahmen</translation>
        </message>
        <message>
            <source>The protocol is complete.</source>
            <translation>Das Protokoll ist vollständig.</translation>
        </message>
        <message>
            <source>Next: {0} ({1} of {2})</source>
            <translation>Als Nächstes: {0} ({1} von {2})</translation>
        </message>
    </context>
    <context>
        <name>Rates</name>
        <message>
            <source>Trouble</source>
            <translation>Störung</translation>
        </message>
        <message>
            <source>Frame sets that arrived from the camera</source>
            <translation>Bildsätze, die von der Kamera ankamen</translation>
        </message>
        <message>
            <source>Frame sets that got a verdict</source>
            <translation>Bildsätze, die ein Urteil bekamen</translation>
        </message>
        <message>
            <source>Frame sets that the camera lost</source>
            <translation>Bildsätze, die die Kamera verlor</translation>
        </message>
        <message>
            <source>Frame sets that came faster than they could be judged</source>
            <translation>Bildsätze, die schneller kamen, als geurteilt werden konnte</translation>
        </message>
        <message>
            <source>From the arrival of the frame set that is shown to now</source>
            <translation>Von der Ankunft des gezeigten Bildsatzes bis jetzt</translation>
        </message>
        <message>
            <source>camera {0} sets/s</source>
            <translation>Kamera {0} Sätze/s</translation>
        </message>
        <message>
            <source>judged {0} sets/s</source>
            <translation>beurteilt {0} Sätze/s</translation>
        </message>
        <message>
            <source>lost {0}</source>
            <translation>verloren {0}</translation>
        </message>
        <message>
            <source>passed over {0}</source>
            <translation>übergangen {0}</translation>
        </message>
        <message>
            <source>age {0}</source>
            <translation>Alter {0}</translation>
        </message>
        <message>
            <source>opening the camera</source>
            <translation>Kamera wird geöffnet</translation>
        </message>
        <message>
            <source>projector not as told in {n} infrared pictures</source>
            <translation>Projektor anders als gemeldet in {n} Infrarotbildern</translation>
        </message>
        <message>
            <source>waiting for the camera</source>
            <translation>warte auf die Kamera</translation>
        </message>
        <message>
            <source>stopped after a failure</source>
            <translation>nach einem Fehler angehalten</translation>
        </message>
        <message>
            <source>closed</source>
            <translation>geschlossen</translation>
        </message>
    </context>
    <context>
        <name>Reason</name>
        <message>
            <source>something failed inside the program</source>
            <translation>im Programm ist etwas fehlgeschlagen</translation>
        </message>
        <message>
            <source>the camera's picture is old or repeated</source>
            <translation>das Bild der Kamera ist alt oder wiederholt</translation>
        </message>
        <message>
            <source>colour, depth and infrared are not of the same moment</source>
            <translation>Farbe, Tiefe und Infrarot stammen nicht vom selben Moment</translation>
        </message>
        <message>
            <source>no depth on the face</source>
            <translation>keine Tiefe auf dem Gesicht</translation>
        </message>
        <message>
            <source>no face in the picture</source>
            <translation>kein Gesicht im Bild</translation>
        </message>
        <message>
            <source>more than one face in the picture</source>
            <translation>mehr als ein Gesicht im Bild</translation>
        </message>
        <message>
            <source>come closer</source>
            <translation>näher kommen</translation>
        </message>
        <message>
            <source>step back</source>
            <translation>zurücktreten</translation>
        </message>
        <message>
            <source>the face is too small in the picture</source>
            <translation>das Gesicht ist zu klein im Bild</translation>
        </message>
        <message>
            <source>the face is cut off by the edge of the picture</source>
            <translation>das Gesicht ist vom Bildrand abgeschnitten</translation>
        </message>
        <message>
            <source>move to the middle of the picture</source>
            <translation>in die Bildmitte treten</translation>
        </message>
        <message>
            <source>turn to the camera</source>
            <translation>zur Kamera drehen</translation>
        </message>
        <message>
            <source>the depth of the face is incomplete</source>
            <translation>die Tiefe des Gesichts ist unvollständig</translation>
        </message>
        <message>
            <source>take off what covers the face</source>
            <translation>abnehmen, was das Gesicht bedeckt</translation>
        </message>
        <message>
            <source>hold still</source>
            <translation>stillhalten</translation>
        </message>
        <message>
            <source>the infrared picture is too dark</source>
            <translation>das Infrarotbild ist zu dunkel</translation>
        </message>
        <message>
            <source>the infrared picture is too bright</source>
            <translation>das Infrarotbild ist zu hell</translation>
        </message>
        <message>
            <source>turn on a light</source>
            <translation>Licht einschalten</translation>
        </message>
        <message>
            <source>strong light from behind</source>
            <translation>starkes Licht von hinten</translation>
        </message>
        <message>
            <source>no infrared picture: the reflectance stage cannot run</source>
            <translation>kein Infrarotbild: die Reflexionsstufe kann nicht arbeiten</translation>
        </message>
        <message>
            <source>no colour picture: the reflectance stage cannot run</source>
            <translation>kein Farbbild: die Reflexionsstufe kann nicht arbeiten</translation>
        </message>
        <message>
            <source>the model was not made for this sensor</source>
            <translation>das Modell ist nicht für diesen Sensor gemacht</translation>
        </message>
        <message>
            <source>the gate is switched off: scores only</source>
            <translation>die Eingangsprüfung ist abgeschaltet: nur Werte</translation>
        </message>
        <message>
            <source>looking</source>
            <translation>wird noch geprüft</translation>
        </message>
        <message>
            <source>the evidence did not suffice in time</source>
            <translation>die Belege reichten in der verfügbaren Zeit nicht aus</translation>
        </message>
    </context>
    <context>
        <name>RecordLamp</name>
        <message>
            <source>Recording</source>
            <translation>Aufnahme läuft</translation>
        </message>
        <message>
            <source>● Recording {time} · {mb} MB</source>
            <translation>● Aufnahme {time} · {mb} MB</translation>
        </message>
        <message>
            <source> · {n} lost</source>
            <translation> · {n} verloren</translation>
        </message>
    </context>
    <context>
        <name>ReplayView</name>
        <message>
            <source>no other verdict after this frame</source>
            <translation>kein anderes Urteil nach diesem Bild</translation>
        </message>
        <message>
            <source>not again after this frame</source>
            <translation>nach diesem Bild nicht mehr</translation>
        </message>
        <message>
            <source>{0}: cannot be written: give another folder</source>
            <translation>{0}: nicht beschreibbar: anderen Ordner angeben</translation>
        </message>
        <message>
            <source>saved {0}</source>
            <translation>gespeichert: {0}</translation>
        </message>
        <message>
            <source>frame {0} of {1}</source>
            <translation>Bild {0} von {1}</translation>
        </message>
        <message>
            <source>frame {0} of {1}   {2} ms</source>
            <translation>Bild {0} von {1}   {2} ms</translation>
        </message>
        <message>
            <source>{0}: holds no whole frame</source>
            <translation>{0}: enthält kein ganzes Bild</translation>
        </message>
        <message>
            <source>judging: {0} of {1} frames</source>
            <translation>Beurteilung läuft: {0} von {1} Bildern</translation>
        </message>
        <message>
            <source>simulated data</source>
            <translation>simulierte Daten</translation>
        </message>
        <message>
            <source>State of the recording</source>
            <translation>Zustand der Aufnahme</translation>
        </message>
    </context>
    <context>
        <name>SessionBar</name>
        <message>
            <source>Evidence of this visit</source>
            <translation>Belege dieses Besuchs</translation>
        </message>
        <message>
            <source>live</source>
            <translation>lebend</translation>
        </message>
        <message>
            <source>evidence of this visit</source>
            <translation>Belege dieses Besuchs</translation>
        </message>
        <message>
            <source>attack</source>
            <translation>Angriff</translation>
        </message>
    </context>
    <context>
        <name>SettingsDialog</name>
        <message>
            <source>Settings</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>as the desktop</source>
            <translation>wie das System</translation>
        </message>
        <message>
            <source>dark</source>
            <translation>dunkel</translation>
        </message>
        <message>
            <source>light</source>
            <translation>hell</translation>
        </message>
        <message>
            <source>a cue with every verdict</source>
            <translation>ein Signal zu jedem Urteil</translation>
        </message>
        <message>
            <source>own range</source>
            <translation>eigener Bereich</translation>
        </message>
        <message>
            <source>names, separated by commas</source>
            <translation>Namen, durch Kommas getrennt</translation>
        </message>
        <message>
            <source>no PIN</source>
            <translation>keine PIN</translation>
        </message>
        <message>
            <source>What is wrong</source>
            <translation>Was nicht stimmt</translation>
        </message>
        <message>
            <source>unchanged</source>
            <translation>unverändert</translation>
        </message>
        <message>
            <source>4 to 12 digits</source>
            <translation>4 bis 12 Ziffern</translation>
        </message>
        <message>
            <source>depth range: the nearest must be less than the farthest</source>
            <translation>Tiefenbereich: der nahe Wert muss kleiner sein als der ferne</translation>
        </message>
        <message>
            <source>folder for takes: give the full path of a folder</source>
            <translation>Ordner für Aufnahmen: den vollständigen Pfad eines Ordners angeben</translation>
        </message>
        <message>
            <source>PIN: give 4 to 12 digits, or none</source>
            <translation>PIN: 4 bis 12 Ziffern angeben oder keine</translation>
        </message>
        <message>
            <source>Set by the environment or the command line</source>
            <translation>Durch Umgebungsvariable oder Befehlszeile festgelegt</translation>
        </message>
        <message>
            <source>A folder for takes</source>
            <translation>Ordner für Aufnahmen</translation>
        </message>
        <message>
            <source>Save</source>
            <translation>Speichern</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Defaults</source>
            <translation>Standardwerte</translation>
        </message>
        <message>
            <source>Language</source>
            <translation>Sprache</translation>
        </message>
        <message>
            <source>after a restart</source>
            <translation>nach einem Neustart</translation>
        </message>
        <message>
            <source>Theme</source>
            <translation>Erscheinungsbild</translation>
        </message>
        <message>
            <source>Sound</source>
            <translation>Ton</translation>
        </message>
        <message>
            <source>Depth picture</source>
            <translation>Tiefenbild</translation>
        </message>
        <message>
            <source>Folder for takes</source>
            <translation>Ordner für Aufnahmen</translation>
        </message>
        <message>
            <source>Sensors accepted as well</source>
            <translation>Auch zugelassene Sensoren</translation>
        </message>
        <message>
            <source>PIN of the kiosk</source>
            <translation>PIN des Kiosks</translation>
        </message>
    </context>
    <context>
        <name>SourceChooser</name>
        <message>
            <source>Source of the pictures</source>
            <translation>Quelle der Bilder</translation>
        </message>
        <message>
            <source>Choose camera, recording or simulation (Ctrl+L)</source>
            <translation>Kamera, Aufnahme oder Simulation wählen (Strg+L)</translation>
        </message>
        <message>
            <source>Choose a source</source>
            <translation>Quelle wählen</translation>
        </message>
        <message>
            <source>Without a camera</source>
            <translation>Ohne Kamera</translation>
        </message>
        <message>
            <source>Simulated cast: people and attacks, one after another</source>
            <translation>Simulierte Darsteller: Menschen und Angriffe nacheinander</translation>
        </message>
        <message>
            <source>Simulated scene</source>
            <translation>Simulierte Szene</translation>
        </message>
        <message>
            <source>Recordings</source>
            <translation>Aufnahmen</translation>
        </message>
        <message>
            <source>Recording from a file…</source>
            <translation>Aufnahme aus Datei …</translation>
        </message>
        <message>
            <source>Cameras</source>
            <translation>Kameras</translation>
        </message>
        <message>
            <source>Looking for cameras…</source>
            <translation>Suche Kameras …</translation>
        </message>
        <message>
            <source>{camera}: cannot be opened</source>
            <translation>{camera}: lässt sich nicht öffnen</translation>
        </message>
        <message>
            <source>No camera found</source>
            <translation>Keine Kamera gefunden</translation>
        </message>
        <message>
            <source>Look for cameras again</source>
            <translation>Erneut nach Kameras suchen</translation>
        </message>
    </context>
    <context>
        <name>Sources</name>
        <message>
            <source>Living face</source>
            <translation>Lebendes Gesicht</translation>
        </message>
        <message>
            <source>Flat print</source>
            <translation>Flacher Ausdruck</translation>
        </message>
        <message>
            <source>Print cut to the face</source>
            <translation>Auf das Gesicht zugeschnittener Ausdruck</translation>
        </message>
        <message>
            <source>Screen</source>
            <translation>Bildschirm</translation>
        </message>
        <message>
            <source>Silicone mask</source>
            <translation>Silikonmaske</translation>
        </message>
        <message>
            <source>Mannequin head</source>
            <translation>Puppenkopf</translation>
        </message>
        <message>
            <source>Simulated cast</source>
            <translation>Simulierte Darsteller</translation>
        </message>
        <message>
            <source>Simulated: {}</source>
            <translation>Simuliert: {}</translation>
        </message>
        <message>
            <source>Open a recording</source>
            <translation>Aufnahme öffnen</translation>
        </message>
        <message>
            <source>Recordings (*.mcap *.mcap.part *.bag *.db3);;All files (*)</source>
            <translation>Aufnahmen (*.mcap *.mcap.part *.bag *.db3);;Alle Dateien (*)</translation>
        </message>
    </context>
    <context>
        <name>Species</name>
        <message>
            <source>bona fide</source>
            <translation>bona fide</translation>
        </message>
        <message>
            <source>flat print</source>
            <translation>flacher Druck</translation>
        </message>
        <message>
            <source>trimmed print</source>
            <translation>zugeschnittener Druck</translation>
        </message>
        <message>
            <source>folded print</source>
            <translation>gefalteter Druck</translation>
        </message>
        <message>
            <source>curved print</source>
            <translation>gewölbter Druck</translation>
        </message>
        <message>
            <source>wrapped print</source>
            <translation>herumgelegter Druck</translation>
        </message>
        <message>
            <source>cut-out print</source>
            <translation>Druck mit Löchern</translation>
        </message>
        <message>
            <source>vinyl banner</source>
            <translation>Vinylbanner</translation>
        </message>
        <message>
            <source>screen replay</source>
            <translation>Bildschirmwiedergabe</translation>
        </message>
        <message>
            <source>resin mask</source>
            <translation>Harzmaske</translation>
        </message>
        <message>
            <source>plaster mask</source>
            <translation>Gipsmaske</translation>
        </message>
        <message>
            <source>silicone mask</source>
            <translation>Silikonmaske</translation>
        </message>
        <message>
            <source>latex mask</source>
            <translation>Latexmaske</translation>
        </message>
        <message>
            <source>plastic mask</source>
            <translation>Plastikmaske</translation>
        </message>
        <message>
            <source>textile mask</source>
            <translation>Stoffmaske</translation>
        </message>
        <message>
            <source>mannequin head</source>
            <translation>Puppenkopf</translation>
        </message>
        <message>
            <source>office</source>
            <translation>Büro</translation>
        </message>
        <message>
            <source>daylight</source>
            <translation>Tageslicht</translation>
        </message>
        <message>
            <source>dim</source>
            <translation>gedämpft</translation>
        </message>
        <message>
            <source>dark</source>
            <translation>dunkel</translation>
        </message>
        <message>
            <source>backlight</source>
            <translation>Gegenlicht</translation>
        </message>
        <message>
            <source>outdoors</source>
            <translation>draußen</translation>
        </message>
    </context>
    <context>
        <name>StatusLine</name>
        <message>
            <source>Model {name} ({digest}), trained on {data}</source>
            <translation>Modell {name} ({digest}), trainiert mit {data}</translation>
        </message>
        <message>
            <source>State</source>
            <translation>Zustand</translation>
        </message>
        <message>
            <source>Camera</source>
            <translation>Kamera</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Modell</translation>
        </message>
        <message>
            <source>{camera} (simulated)</source>
            <translation>{camera} (simuliert)</translation>
        </message>
        <message>
            <source>Opening…</source>
            <translation>Wird geöffnet …</translation>
        </message>
        <message>
            <source>Running</source>
            <translation>Läuft</translation>
        </message>
        <message>
            <source>The camera is away; waiting for it</source>
            <translation>Kamera getrennt; es wird auf sie gewartet</translation>
        </message>
        <message>
            <source>The recording is over</source>
            <translation>Die Aufnahme ist zu Ende</translation>
        </message>
        <message>
            <source>Stopped by a failure</source>
            <translation>Durch einen Fehler angehalten</translation>
        </message>
        <message>
            <source>Stopped</source>
            <translation>Angehalten</translation>
        </message>
    </context>
    <context>
        <name>StudioView</name>
        <message>
            <source>Not recorded.</source>
            <translation>Nicht aufgenommen.</translation>
        </message>
        <message>
            <source>Take ended.</source>
            <translation>Aufnahme beendet.</translation>
        </message>
        <message>
            <source>The camera does not run: choose a source and start it.</source>
            <translation>Die Kamera läuft nicht: Quelle wählen und starten.</translation>
        </message>
        <message>
            <source>The disk is too full: make room, or choose another folder.</source>
            <translation>Der Datenträger ist zu voll: Platz schaffen oder anderen Ordner wählen.</translation>
        </message>
        <message>
            <source>Another camera: this set was made with {0}, not {1}. Record into a folder of its own.</source>
            <translation>Andere Kamera: dieser Datensatz wurde mit {0} aufgenommen, nicht mit {1}. In einen eigenen Ordner aufnehmen.</translation>
        </message>
        <message>
            <source>Another resolution: this set has {0}, not {1}. Set the camera as it was.</source>
            <translation>Andere Auflösung: dieser Datensatz hat {0}, nicht {1}. Kamera wie zuvor einstellen.</translation>
        </message>
        <message>
            <source>Another calibration than in this set. Put the rig file back, or record into another folder.</source>
            <translation>Andere Kalibrierung als in diesem Datensatz. Kalibrierdatei wiederherstellen oder in einen anderen Ordner aufnehmen.</translation>
        </message>
        <message>
            <source>The source has ended: so has the take.</source>
            <translation>Die Quelle ist zu Ende und damit auch die Aufnahme.</translation>
        </message>
        <message>
            <source>The disk is full: the take was ended.</source>
            <translation>Der Datenträger ist voll: die Aufnahme wurde beendet.</translation>
        </message>
        <message>
            <source>Take complete.</source>
            <translation>Aufnahme vollständig.</translation>
        </message>
        <message>
            <source>{0}: {1} sets, {2} good, {3} lost</source>
            <translation>{0}: {1} Sätze, {2} gut, {3} verloren</translation>
        </message>
        <message>
            <source>disk: room not known</source>
            <translation>Datenträger: freier Platz unbekannt</translation>
        </message>
        <message>
            <source>disk: {0} GB free, {1} min</source>
            <translation>Datenträger: {0} GB frei, {1} min</translation>
        </message>
        <message>
            <source>RECORDING   {0} s   {1} sets   {2} good   {3} lost   {4} MB</source>
            <translation>AUFNAHME   {0} s   {1} Sätze   {2} gut   {3} verloren   {4} MB</translation>
        </message>
        <message>
            <source>RECORDING</source>
            <translation>AUFNAHME</translation>
        </message>
        <message>
            <source>Finishing the take …</source>
            <translation>Aufnahme wird abgeschlossen …</translation>
        </message>
        <message>
            <source>Recording in {0} …</source>
            <translation>Aufnahme in {0} …</translation>
        </message>
        <message>
            <source>Record (R)</source>
            <translation>Aufnehmen (R)</translation>
        </message>
        <message>
            <source>Not yet (R)</source>
            <translation>Abbrechen (R)</translation>
        </message>
        <message>
            <source>Stop (R)</source>
            <translation>Stopp (R)</translation>
        </message>
        <message>
            <source>Finishing …</source>
            <translation>Wird abgeschlossen …</translation>
        </message>
        <message>
            <source>What happened last</source>
            <translation>Was zuletzt geschah</translation>
        </message>
        <message>
            <source>Begin or end a take (R)</source>
            <translation>Aufnahme beginnen oder beenden (R)</translation>
        </message>
        <message>
            <source>Not while a take is being recorded.</source>
            <translation>Nicht während einer Aufnahme.</translation>
        </message>
        <message>
            <source>Takes are kept in {0}</source>
            <translation>Aufnahmen liegen in {0}</translation>
        </message>
    </context>
    <context>
        <name>SubjectView</name>
        <message>
            <source>Please step in front of the camera</source>
            <translation>Bitte vor die Kamera treten</translation>
        </message>
        <message>
            <source>Please look at the camera</source>
            <translation>Bitte in die Kamera schauen</translation>
        </message>
        <message>
            <source>One person at a time, please</source>
            <translation>Bitte einzeln vortreten</translation>
        </message>
        <message>
            <source>Please come closer</source>
            <translation>Bitte näher kommen</translation>
        </message>
        <message>
            <source>Please step back a little</source>
            <translation>Bitte etwas zurücktreten</translation>
        </message>
        <message>
            <source>Please move to the middle</source>
            <translation>Bitte in die Mitte treten</translation>
        </message>
        <message>
            <source>Please face the camera</source>
            <translation>Bitte das Gesicht zur Kamera drehen</translation>
        </message>
        <message>
            <source>Please turn on a light</source>
            <translation>Bitte Licht einschalten</translation>
        </message>
        <message>
            <source>Too dark: please come a little closer</source>
            <translation>Zu dunkel: bitte etwas näher kommen</translation>
        </message>
        <message>
            <source>Too bright: please step back a little</source>
            <translation>Zu hell: bitte etwas zurücktreten</translation>
        </message>
        <message>
            <source>Strong light behind you: please move aside</source>
            <translation>Starkes Licht von hinten: bitte zur Seite treten</translation>
        </message>
        <message>
            <source>Please uncover your face</source>
            <translation>Bitte das Gesicht frei machen</translation>
        </message>
        <message>
            <source>Please hold still</source>
            <translation>Bitte stillhalten</translation>
        </message>
        <message>
            <source>Checking – please hold still</source>
            <translation>Prüfung läuft – bitte stillhalten</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>Lebend erkannt</translation>
        </message>
        <message>
            <source>Attack suspected</source>
            <translation>Verdacht auf Angriff</translation>
        </message>
        <message>
            <source>Not decided:</source>
            <translation>Nicht entschieden:</translation>
        </message>
        <message>
            <source>Please try again</source>
            <translation>Bitte noch einmal versuchen</translation>
        </message>
        <message>
            <source>Thank you</source>
            <translation>Vielen Dank</translation>
        </message>
        <message>
            <source>Please wait a moment</source>
            <translation>Bitte kurz warten</translation>
        </message>
        <message>
            <source>One moment, please</source>
            <translation>Einen Moment, bitte</translation>
        </message>
        <message>
            <source>Out of order</source>
            <translation>Außer Betrieb</translation>
        </message>
        <message>
            <source>Look at the camera. It takes a few seconds.</source>
            <translation>In die Kamera schauen – es dauert nur wenige Sekunden.</translation>
        </message>
        <message>
            <source>You can step away now.</source>
            <translation>Sie können jetzt weitergehen.</translation>
        </message>
        <message>
            <source>The next try will be possible shortly.</source>
            <translation>Gleich ist ein neuer Versuch möglich.</translation>
        </message>
        <message>
            <source>The camera is being connected.</source>
            <translation>Die Kamera wird verbunden.</translation>
        </message>
        <message>
            <source>Please ask the staff for help.</source>
            <translation>Bitte an das Personal wenden.</translation>
        </message>
        <message>
            <source>You are being recorded</source>
            <translation>Es wird aufgezeichnet</translation>
        </message>
        <message>
            <source>Nothing is stored</source>
            <translation>Es wird nichts gespeichert</translation>
        </message>
        <message>
            <source>What to do</source>
            <translation>Was zu tun ist</translation>
        </message>
        <message>
            <source>near</source>
            <translation>nah</translation>
        </message>
        <message>
            <source>far</source>
            <translation>fern</translation>
        </message>
        <message>
            <source>Simulated</source>
            <translation>Simuliert</translation>
        </message>
    </context>
    <context>
        <name>TakeForm</name>
        <message>
            <source>species: say what was shown</source>
            <translation>Art: angeben, was gezeigt wurde</translation>
        </message>
        <message>
            <source>A pseudonym, such as 0007: letters, digits, hyphens</source>
            <translation>Ein Pseudonym wie 0007: Buchstaben, Ziffern, Bindestriche</translation>
        </message>
        <message>
            <source>The one specimen, such as print-03</source>
            <translation>Das eine Exemplar, etwa print-03</translation>
        </message>
        <message>
            <source>not said</source>
            <translation>keine Angabe</translation>
        </message>
        <message>
            <source>Who records</source>
            <translation>Wer aufnimmt</translation>
        </message>
        <message>
            <source>Reference to the signed consent</source>
            <translation>Verweis auf die unterschriebene Einwilligung</translation>
        </message>
        <message>
            <source>What else is worth knowing, such as glasses</source>
            <translation>Was sonst wichtig ist, etwa eine Brille</translation>
        </message>
        <message>
            <source>such as glasses</source>
            <translation>etwa Brille</translation>
        </message>
        <message>
            <source>no limit</source>
            <translation>unbegrenzt</translation>
        </message>
        <message>
            <source>subject: give a pseudonym of letters, digits and hyphens</source>
            <translation>Person: Pseudonym aus Buchstaben, Ziffern und Bindestrichen angeben</translation>
        </message>
        <message>
            <source>instrument: name the specimen of the attack</source>
            <translation>Angriffsmittel: das verwendete Exemplar nennen</translation>
        </message>
        <message>
            <source>light: say how the room is lit</source>
            <translation>Licht: angeben, wie der Raum beleuchtet ist</translation>
        </message>
        <message>
            <source>distance: say how far the face is from the camera</source>
            <translation>Abstand: angeben, wie weit das Gesicht von der Kamera entfernt ist</translation>
        </message>
        <message>
            <source>operator: say who records</source>
            <translation>Operator: angeben, wer aufnimmt</translation>
        </message>
        <message>
            <source>consent: give the reference to the signed consent</source>
            <translation>Einwilligung: Verweis auf die unterschriebene Einwilligung angeben</translation>
        </message>
        <message>
            <source>Subject *</source>
            <translation>Person *</translation>
        </message>
        <message>
            <source>Visit</source>
            <translation>Besuch</translation>
        </message>
        <message>
            <source>Species *</source>
            <translation>Art *</translation>
        </message>
        <message>
            <source>Instrument *</source>
            <translation>Angriffsmittel *</translation>
        </message>
        <message>
            <source>Light *</source>
            <translation>Licht *</translation>
        </message>
        <message>
            <source>Distance *</source>
            <translation>Abstand *</translation>
        </message>
        <message>
            <source>Operator *</source>
            <translation>Operator *</translation>
        </message>
        <message>
            <source>Consent *</source>
            <translation>Einwilligung *</translation>
        </message>
        <message>
            <source>Notes</source>
            <translation>Notizen</translation>
        </message>
        <message>
            <source>Until</source>
            <translation>Bis</translation>
        </message>
        <message>
            <source>and good sets</source>
            <translation>und gute Sätze</translation>
        </message>
        <message>
            <source>attacks only</source>
            <translation>nur bei Angriffen</translation>
        </message>
        <message>
            <source>such as print-03</source>
            <translation>etwa print-03</translation>
        </message>
        <message>
            <source>The form is complete.</source>
            <translation>Das Formular ist vollständig.</translation>
        </message>
    </context>
    <context>
        <name>TakeListView</name>
        <message>
            <source>No takes here yet.

Fill in the form on the left, then press R: each take appears here.</source>
            <translation>Hier sind noch keine Aufnahmen.

Links das Formular ausfüllen, dann R drücken: jede Aufnahme erscheint hier.</translation>
        </message>
    </context>
    <context>
        <name>TakeModel</name>
        <message>
            <source>{0} s, {1} sets, {2} lost</source>
            <translation>{0} s, {1} Sätze, {2} verloren</translation>
        </message>
        <message>
            <source>damaged</source>
            <translation>beschädigt</translation>
        </message>
        <message>
            <source>interrupted</source>
            <translation>unterbrochen</translation>
        </message>
        <message>
            <source>bad</source>
            <translation>unbrauchbar</translation>
        </message>
        <message>
            <source>name differs</source>
            <translation>Name weicht ab</translation>
        </message>
    </context>
    <context>
        <name>TakesPanel</name>
        <message>
            <source>Takes</source>
            <translation>Aufnahmen</translation>
        </message>
        <message>
            <source>Folder…</source>
            <translation>Ordner …</translation>
        </message>
        <message>
            <source>What the set can show</source>
            <translation>Was der Datensatz zeigen kann</translation>
        </message>
        <message>
            <source>A folder for takes</source>
            <translation>Ordner für Aufnahmen</translation>
        </message>
        <message>
            <source>Takes: {0}</source>
            <translation>Aufnahmen: {0}</translation>
        </message>
        <message>
            <source>The set's tables are up to date.</source>
            <translation>Die Tabellen des Datensatzes sind aktuell.</translation>
        </message>
        <message>
            <source>Delete {0} for good?</source>
            <translation>{0} endgültig löschen?</translation>
        </message>
        <message>
            <source>An empty folder for the good takes</source>
            <translation>Ein leerer Ordner für die guten Aufnahmen</translation>
        </message>
        <message>
            <source>{0} good takes copied to {1}</source>
            <translation>{0} gute Aufnahmen nach {1} kopiert</translation>
        </message>
        <message>
            <source>wrote {0}</source>
            <translation>geschrieben: {0}</translation>
        </message>
        <message>
            <source>working …</source>
            <translation>arbeitet …</translation>
        </message>
        <message>
            <source>Labels of {0}</source>
            <translation>Angaben zu {0}</translation>
        </message>
        <message>
            <source>Save</source>
            <translation>Speichern</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>The recording cannot be brought back.</source>
            <translation>Die Aufnahme lässt sich nicht wiederherstellen.</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>Löschen</translation>
        </message>
        <message>
            <source>Not bad</source>
            <translation>Doch brauchbar</translation>
        </message>
        <message>
            <source>Mark bad</source>
            <translation>Unbrauchbar</translation>
        </message>
        <message>
            <source>No attack takes yet: nothing can be said about APCER.</source>
            <translation>Noch keine Angriffsaufnahmen: über APCER lässt sich nichts sagen.</translation>
        </message>
        <message>
            <source>Enough takes to show APCER ≤ {0} % for every species at 95 %.</source>
            <translation>Genug Aufnahmen, um für jede Art APCER ≤ {0} % mit 95 % Sicherheit zu zeigen.</translation>
        </message>
        <message>
            <source>{0} more takes of {1} until APCER ≤ {2} % can be shown at 95 %; now, without an error, {3} %.</source>
            <translation>Noch {0} Aufnahmen ({1}), bis APCER ≤ {2} % mit 95 % Sicherheit gezeigt werden kann; jetzt, ohne Fehler, {3} %.</translation>
        </message>
        <message>
            <source>Replay</source>
            <translation>Wiedergabe</translation>
        </message>
        <message>
            <source>Re-label…</source>
            <translation>Angaben …</translation>
        </message>
        <message>
            <source>Delete…</source>
            <translation>Löschen …</translation>
        </message>
        <message>
            <source>Export…</source>
            <translation>Exportieren …</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Bericht</translation>
        </message>
    </context>
    <context>
        <name>Timeline</name>
        <message>
            <source>Timeline</source>
            <translation>Zeitachse</translation>
        </message>
        <message>
            <source>Attack score of each frame; the line is the threshold. Click or drag to go there.</source>
            <translation>Angriffswert jedes Bildes; die Linie ist die Schwelle. Klicken oder ziehen, um dorthin zu gehen.</translation>
        </message>
    </context>
    <context>
        <name>VerdictBadge</name>
        <message>
            <source>Live</source>
            <translation>Lebend</translation>
        </message>
        <message>
            <source>Attack suspected</source>
            <translation>Verdacht auf Angriff</translation>
        </message>
        <message>
            <source>Not decided</source>
            <translation>Nicht entschieden</translation>
        </message>
        <message>
            <source>Verdict: {}</source>
            <translation>Urteil: {}</translation>
        </message>
    </context>
    <context>
        <name>WhyView</name>
        <message>
            <source>F1 relief</source>
            <translation>F1 Relief</translation>
        </message>
        <message>
            <source>F2 size</source>
            <translation>F2 Größe</translation>
        </message>
        <message>
            <source>F3 angle</source>
            <translation>F3 Winkel</translation>
        </message>
        <message>
            <source>Depth between the nearest and the farthest point of the face</source>
            <translation>Tiefe zwischen dem nächsten und dem fernsten Punkt des Gesichts</translation>
        </message>
        <message>
            <source>Depth on a fixed scale of millimetres: a shrunken face shows</source>
            <translation>Tiefe auf einer festen Millimeterskala: ein verkleinertes Gesicht fällt auf</translation>
        </message>
        <message>
            <source>Angle of the surface to the plane of the face</source>
            <translation>Winkel der Fläche zur Ebene des Gesichts</translation>
        </message>
        <message>
            <source>colour</source>
            <translation>Farbe</translation>
        </message>
        <message>
            <source>infrared</source>
            <translation>Infrarot</translation>
        </message>
        <message>
            <source>sum</source>
            <translation>Summe</translation>
        </message>
        <message>
            <source>difference</source>
            <translation>Differenz</translation>
        </message>
        <message>
            <source>Colour as M-Net sees it</source>
            <translation>Farbe, wie M-Net sie sieht</translation>
        </message>
        <message>
            <source>Infrared as if the face were at one distance</source>
            <translation>Infrarot, als wäre das Gesicht immer gleich weit entfernt</translation>
        </message>
        <message>
            <source>Colour plus infrared</source>
            <translation>Farbe plus Infrarot</translation>
        </message>
        <message>
            <source>Colour minus infrared: skin differs from paper, screens and most masks</source>
            <translation>Farbe minus Infrarot: Haut unterscheidet sich von Papier, Bildschirmen und den meisten Masken</translation>
        </message>
        <message>
            <source>maps</source>
            <translation>Karten</translation>
        </message>
        <message>
            <source>net</source>
            <translation>Netz</translation>
        </message>
        <message>
            <source>stack</source>
            <translation>Stapel</translation>
        </message>
        <message>
            <source>not asked: {0}</source>
            <translation>nicht befragt: {0}</translation>
        </message>
        <message>
            <source>not asked</source>
            <translation>nicht befragt</translation>
        </message>
        <message>
            <source>not asked: D-Net did not run</source>
            <translation>nicht befragt: D-Net lief nicht</translation>
        </message>
        <message>
            <source>not asked: D-Net rejects</source>
            <translation>nicht befragt: D-Net lehnt ab</translation>
        </message>
        <message>
            <source>this visit</source>
            <translation>dieser Besuch</translation>
        </message>
        <message>
            <source>this frame</source>
            <translation>dieses Bild</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>Lebend</translation>
        </message>
        <message>
            <source>Attack suspected</source>
            <translation>Verdacht auf Angriff</translation>
        </message>
        <message>
            <source>Not decided</source>
            <translation>Nicht entschieden</translation>
        </message>
        <message>
            <source>{0} mm away</source>
            <translation>{0} mm entfernt</translation>
        </message>
        <message>
            <source>yaw {0} pitch {1} roll {2}</source>
            <translation>Gier {0} Nick {1} Roll {2}</translation>
        </message>
        <message>
            <source>judged in {0} ms</source>
            <translation>Urteil {0} ms</translation>
        </message>
        <message>
            <source>1  D-Net: is it shaped like a face?</source>
            <translation>1  D-Net: Form eines Gesichts?</translation>
        </message>
        <message>
            <source>2  M-Net: does it reflect like skin?</source>
            <translation>2  M-Net: reflektiert wie Haut?</translation>
        </message>
        <message>
            <source>3  Session: all frames together</source>
            <translation>3  Sitzung: alle Bilder zusammen</translation>
        </message>
        <message>
            <source>model {0}, trained on {1} data</source>
            <translation>Modell {0}, trainiert mit Daten: {1}</translation>
        </message>
        <message>
            <source>M-Net by place</source>
            <translation>M-Net nach Ort</translation>
        </message>
        <message>
            <source>real</source>
            <translation>echt</translation>
        </message>
        <message>
            <source>simulated</source>
            <translation>simuliert</translation>
        </message>
        <message>
            <source>semi-simulated</source>
            <translation>teilsimuliert</translation>
        </message>
    </context>
</TS>
