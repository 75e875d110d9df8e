"""What the demo prints once it answers: what to open, what to try."""

import json
import sys

import segno

from console.event_words import ROLES
from demo.clock import DemoClock
from demo.folder import DemoFolder
from demo.seed import Seeded
from demo.story import PARIS


def five_clicks(folder: DemoFolder) -> str:
    """Nothing in a folder that an older demo made: it has no history."""
    if not folder.statement.exists():
        return ""
    return f"""
  5. Onze mois sont déjà passés. Rapprochez le dernier relevé en cinq clics, dans la console du mandataire :
       « Relevés » ;
       « Importer », après avoir choisi le fichier {folder.statement} ;
       « Rapprochement » ;
       « C’est cela » : le virement que la banque ne nomme qu’à demi ;
       « Affecter », après avoir choisi le programme : le versement du commanditaire.
     Plus rien n’attend. Le lot suivant est préparé : « Virements », avec le compte d’approbation.
     Un territoire touche à son seuil, l’autre est suspendu, une livraison attend ce versement.
"""


def welcome(folder: DemoFolder, seeded: Seeded, *, url: str, link: str, clock: DemoClock) -> None:
    device = seeded.devices[0]
    with folder.codes.open(encoding="utf-8") as codes:
        short = json.loads(codes.readline())["short"]
    data = f"--data {folder.root}"
    others = "\n".join(
        f"       {ROLES[one['role']]} : {one['email']}, mot de passe {one['password']}"
        for one in seeded.other_accounts
    )
    money = five_clicks(folder)
    step = 6 if money else 5
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
     La même, vue par d’autres :
{others}
{money}
  {step}. Vérifiez les comptes : .venv/bin/poincon audit {data}
     La description de l’interface : {url}/openapi.json

  {step + 1}. Jouez la suite de l’année, dans un autre terminal : .venv/bin/poincon demo --clock +30d {data}
     Dans la démonstration, il est {clock.now().astimezone(PARIS):%d/%m/%Y %H:%M}.
     Ce que tout le monde voit : {url}/reserve, {url}/lieux, {url}/candidature

Ctrl-C arrête tout ; les données restent dans {folder.root}.
""",
        flush=True,
    )
