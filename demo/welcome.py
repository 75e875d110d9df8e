"""What the demo prints once it answers: what to open, what to try."""

import json
import sys

import segno

from demo.folder import DemoFolder
from demo.seed import Seeded


def welcome(folder: DemoFolder, seeded: Seeded, *, url: str, link: str) -> None:
    device = seeded.devices[0]
    with folder.codes.open(encoding="utf-8") as codes:
        short = json.loads(codes.readline())["short"]
    data = f"--data {folder.root}"
    print(f"""
Poinçon est prêt.

  1. Ouvrez ce lien dans un navigateur : il enregistre cet appareil pour {device.mediator} ({device.site}).
     {link}
     Il sert une seule fois, pendant dix minutes.""")
    if sys.stdout.isatty():
        segno.make(link, error="l").terminal(compact=True)
    print(
        f"""
  2. Les carnets imprimés, à photographier ou à saisir : {folder.booklets_pdf}
     Les mêmes codes en texte : {folder.codes}
     Un carnet d’entraînement, sans valeur, pour apprendre à scanner : {folder.practice_pdf}

  3. Encaissez le premier pass en ligne de commande (s’il ne l’est pas déjà) :
     curl -s {url}/v1/scans -H 'Authorization: Bearer {device.token}' \\
       -d '{{"attempt_id": "'$(cat /proc/sys/kernel/random/uuid)'", "code": "{short}"}}'
     Recommencez : il est refusé, avec la date et le lieu du premier encaissement.

  4. La console du mandataire : {url}/console
     Adresse {seeded.console["email"]}, mot de passe {seeded.console["password"]}

  5. Vérifiez les comptes : .venv/bin/poincon audit {data}
     La description de l’interface : {url}/openapi.json

Ctrl-C arrête tout ; les données restent dans {folder.root}.
""",
        flush=True,
    )
