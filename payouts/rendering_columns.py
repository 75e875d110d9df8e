"""The columns of accounts rendered, and what the archive's files are. Rows are in rendering_tables.py."""

ACCOUNT = ("compte", "libelle_du_compte", "programme", "siret")
BALANCE = (*ACCOUNT, "ouverture_centimes", "debit_centimes", "credit_centimes", "cloture_centimes")
OPERATORS = (
    *ACCOUNT,
    "structure",
    "ouverture_centimes",
    "bordereaux_centimes",
    "corrections_centimes",
    "virements_centimes",
    "retours_centimes",
    "autres_centimes",
    "cloture_centimes",
)
CASH = (
    "ecriture",
    "date",
    "nature",
    "objet",
    "motif",
    "entree_centimes",
    "sortie_centimes",
    "solde_centimes",
)
UNPAID = (
    "siret",
    "structure",
    "bordereau",
    "programme",
    "clos_le",
    "a_payer_avant_le",
    "remis_centimes",
    "corrections_centimes",
    "paye_centimes",
    "reste_centimes",
    "dont_en_litige_centimes",
)
REMITTANCES = (
    "siret",
    "structure",
    "bordereau",
    "clos_le",
    "pass",
    "total_centimes",
    "corrections_centimes",
    "net_centimes",
    "perimetre_centimes",
    "empreinte_des_lignes",
    "fichier",
)
CORRECTIONS = (
    "correction",
    "siret",
    "structure",
    "programme",
    "decidee_le",
    "cause",
    "motif",
    "tentative",
    "montant_centimes",
    "suite",
)
DISPUTES = (
    "litige",
    "siret",
    "structure",
    "bordereau",
    "ligne",
    "programme",
    "montant_centimes",
    "motif",
    "ouvert_le",
    "issue",
    "resolu_le",
    "resolution",
)
PAYMENTS = (
    "date",
    "nature",
    "reference",
    "siret",
    "structure",
    "bordereau",
    "titulaire",
    "date_de_la_banque",
    "montant_centimes",
    "motif",
)
SUSPENSE = (
    "reference",
    "date_de_la_banque",
    "enregistree_le",
    "libelle",
    "montant_centimes",
    "inexplique_centimes",
)
FILES = ("nature", "nom", "date", "octets", "sha256", "fichier")

COLUMNS_TOLD = """Reddition des comptes — contenu de l’archive

Tous les montants sont en centimes d’euro, entiers. Les dates sont celles de Paris. Un débit est positif.
Les tableaux sont en UTF-8, séparés par des points-virgules. Rien n’est compensé : une ligne par opération.

reddition.pdf          la présentation des comptes, à lire d’abord
ecritures.csv          toutes les écritures de la période, mouvement par mouvement
ecritures-fec.txt      les mêmes, aux 18 colonnes du fichier des écritures comptables (article A47 A-1 du LPF)
ecritures.journal      les mêmes, pour hledger
balance.csv            balance des comptes : solde d’ouverture, débits, crédits, solde de clôture
structures.csv         relevé de compte de chaque structure ; un montant positif lui est dû
tresorerie.csv         situation de trésorerie : entrées, sorties et solde, ligne à ligne
attente.csv            lignes de la banque que rien n’expliquait à la fin de la période (vide pour un seul
                       commanditaire : elles ne sont encore à personne)
restes-a-payer.csv     ce qui reste dû de chaque bordereau clos, à la fin de la période
bordereaux.csv         bordereaux clos pendant la période ; perimetre_centimes : la part de ces comptes
bordereaux/            chaque bordereau, en PDF et en CSV (à vérifier par poincon remittances verify)
corrections.csv        corrections décidées, imputées ou réclamées pendant la période, ou en attente à sa fin
litiges.csv            lignes en litige à un moment de la période
virements.csv          virements passés en banque, revenus, et rapprochements annulés
pieces.csv             fichiers reçus de la banque et fichiers de virements ; leur empreinte SHA-256
banque/                ces fichiers, octet pour octet, quand l’archive rend tous les programmes
SHA256SUMS             empreinte SHA-256 de chaque fichier ; la sienne est celle de l’ensemble
manifest.json          taille et empreinte SHA-256 de chaque fichier, et de l’ensemble

Pour tout recalculer, sans nos serveurs : poincon accounts verify FICHIER
Sans nos programmes : sha256sum -c SHA256SUMS, puis hledger -f ecritures.journal check, et un tableur.
"""
