//! The codes of incidents, a list that grows: each with what failed and what to do, in French, for the mails and the lists.

use crate::{
    domain::exchanges::status::words,
    kernel::fault::{Fault, Result},
};

words! {
    /// Where an incident stands.
    State {
        /// Nobody has taken note of it.
        Open = "open",
        /// An operator has taken note; its cause lasts.
        Acknowledged = "acknowledged",
        /// Its cause is gone, or an operator says so.
        Resolved = "resolved",
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $failed:literal, $advice:literal;)*) => {
        words! {
            /// What failed.
            Code { $($(#[$doc])* $variant = $text,)* }
        }

        impl Code {
            /// What failed, in French.
            pub fn what_failed(self) -> &'static str {
                match self { $(Code::$variant => $failed,)* }
            }

            /// What to do about it, in French.
            pub fn what_to_do(self) -> &'static str {
                match self { $(Code::$variant => $advice,)* }
            }
        }
    };
}

codes! {
    /// Every attempt to deliver a return has failed.
    Undelivered = "undelivered",
        "Le retour d'une pièce n'a pas été acquitté : tous les essais de livraison sont épuisés.",
        "Vérifier avec le partenaire que son API de retour ou son dépôt répond, puis relancer la livraison : navette job retry.";
    /// The partner says that its return address is no more (410).
    PartnerGone = "partner-gone",
        "L'API de retour du projet répond qu'elle n'existe plus (410) : elle n'est plus appelée, les retours attendent.",
        "Obtenir du partenaire sa nouvelle adresse, corriger le fichier du projet et redémarrer, puis relancer les livraisons : navette return redeliver.";
    /// A partner fails again and again and is probed at a slower pace.
    PartnerFailing = "partner-failing",
        "L'API de retour du projet échoue de façon répétée : elle n'est plus appelée qu'à un rythme ralenti.",
        "Vérifier avec le partenaire l'état de son API de retour. Les livraisons reprennent d'elles-mêmes quand elle répond.";
    /// The return address stands on an address that the project does not allow.
    TargetRefused = "target-refused",
        "L'adresse de retour du projet mène à une adresse qui n'est pas permise : rien ne lui est envoyé.",
        "Vérifier l'adresse de retour et la liste des cibles permises dans le fichier du projet.";
    /// The antivirus found a signature in a content.
    Infected = "infected",
        "L'antivirus a trouvé une signature dans le contenu d'une pièce : elle est mise en quarantaine.",
        "Prévenir l'émetteur. Le contenu ne part nulle part ; le retour de la pièce nomme la signature.";
    /// The antivirus is away, slow, over its limits, or answers something else than an exact verdict.
    ScanUnavailable = "scan-unavailable",
        "L'antivirus ne rend pas de verdict : les pièces attendent et ne sont pas transmises.",
        "Vérifier clamd (service, mémoire, place pour ses fichiers, MaxScanTime, StreamMaxLength, MaxScanSize). Les pièces reprennent d'elles-mêmes quand il répond.";
    /// Pieces cannot be taken in for a reason of ours.
    IntakeFailed = "intake-failed",
        "Des pièces n'ont pas pu être reçues pour une raison qui nous est propre : stockage plein ou défaut interne.",
        "Vérifier la place sur le stockage et le journal du service. Les émetteurs renvoient d'eux-mêmes.";
    /// Stored bytes are missing or not what was written.
    CorruptBlob = "corrupt-blob",
        "Un contenu conservé est absent ou n'est plus ce qui a été écrit.",
        "Lancer navette doctor, puis restaurer le contenu depuis une sauvegarde. L'incident prend fin de lui-même dans l'heure, une fois tout l'échange relisible.";
    /// A content has another hash than the announced one.
    HashMismatch = "hash-mismatch",
        "Un contenu reçu n'a pas l'empreinte annoncée : l'envoi est refusé.",
        "Prévenir l'émetteur : ce qui est arrivé n'est pas ce qu'il a annoncé. Il doit renvoyer la pièce ; son prochain envoi conforme à l'empreinte annoncée met fin à l'incident.";
    /// What the processing found is not what was agreed with the project.
    ReturnNonconforming = "return-nonconforming",
        "Un résultat n'est pas conforme au schéma convenu avec le projet : le retour ne part pas, l'échange est retenu.",
        "Corriger le traitement ou le schéma (result_schema), redémarrer, puis relancer : navette job retry.";
    /// A depot does not take returns, again and again.
    ReturnStuck = "return-stuck",
        "Un dépôt ne prend pas les retours d'un projet, de façon répétée : ils attendent.",
        "Lancer navette depot check (place, droits, chemin des retours) ; les dépôts sont réessayés d'eux-mêmes.";
    /// A return is larger than the only channel that its project has.
    ReturnTooLarge = "return-too-large",
        "Le retour d'une archive dépasse la limite de l'API de retour et le projet n'a pas de dépôt pour ses retours.",
        "Donner un dépôt aux retours du projet ([return] depot, flow), redémarrer, puis relancer : navette job retry.";
    /// The acknowledgment of a return did not come in time.
    ReturnUnacknowledged = "return-unacknowledged",
        "Un retour déposé n'a pas été acquitté dans le délai.",
        "Vérifier avec le partenaire que le retour a été pris, puis le déposer à nouveau : navette return redeliver.";
    /// A partner says that he does not take a return.
    ReturnRefused = "return-refused",
        "Le partenaire a répondu par un acquittement négatif : il refuse un retour.",
        "Voir la réponse du partenaire (navette status), corriger avec lui, puis déposer à nouveau : navette return redeliver.";
    /// A file of acknowledgment is not what it should be.
    AcknowledgmentInvalid = "acknowledgment-invalid",
        "Un fichier d'acquittement n'est pas recevable : signature fausse, autre retour, illisible, ou trop grand. Il reste sur le dépôt.",
        "Trouver le fichier (navette depot files le nomme par son fileNameHash) et prévenir le partenaire, qui dépose un acquittement correct ; vérifier signer_ca dans le fichier du dépôt.";
    /// A depot does not answer, or refuses us, again and again.
    DepotUnreachable = "depot-unreachable",
        "Un dépôt ne répond pas, ou nous refuse, de façon répétée : ses archives attendent.",
        "Lancer navette depot check, puis voir avec le partenaire. Les échanges reprennent d'eux-mêmes quand il répond.";
    /// An archive was refused, whole or in part.
    ArchiveRejected = "archive-rejected",
        "Une archive a été refusée, en entier ou pour certaines de ses pièces.",
        "Le reçu déposé nomme chaque défaut (navette archive show). L'émetteur corrige et dépose à nouveau.";
    /// An archive cannot be taken for a reason of ours or of its depot's.
    ArchiveStuck = "archive-stuck",
        "Une archive ne peut pas être reçue : défaut de notre côté, ligne coupée, droits refusés par le dépôt, ou fichier qui change sans cesse. Elle reste sur le dépôt.",
        "La faute est dans le détail ; navette depot files nomme le fichier par son fileNameHash. Vérifier le stockage, le journal du service et les droits (navette depot check) ; la reprise est automatique.";
    /// A receipt cannot be left on its depot.
    ReceiptUndeliverable = "receipt-undeliverable",
        "Le reçu d'une archive ne peut pas être déposé : l'archive reçue reste sur le dépôt.",
        "Vérifier le chemin des reçus et ses droits (navette depot check) ; le dépôt du reçu est réessayé de lui-même.";
    /// A file whose receipt stands cannot leave its depot's folder.
    SourceStuck = "source-stuck",
        "Une archive reçue, dont le reçu est déposé, ne peut pas quitter son dossier d'arrivée sur le dépôt.",
        "Vérifier nos droits de retrait dans le dossier d'arrivée et, s'il y en a, les dossiers moved et rejected du flux ; le retrait est réessayé de lui-même.";
    /// The processing of an exchange, or the preparation of its delivery, fails in this house again and again.
    ProcessingFailed = "processing-failed",
        "Le traitement d'une pièce, ou la préparation de sa livraison, échoue chez nous de façon répétée.",
        "Lire le journal du service et navette job list ; le traitement est réessayé de lui-même.";
    /// Jobs wait in a lane that the settings no longer name.
    LaneUnserved = "lane-unserved",
        "Des travaux attendent un projet ou un dépôt que les réglages ne nomment plus : personne ne les prend.",
        "Remettre le fichier du projet ou du dépôt, sous son nom (lane, dans le détail), puis redémarrer : les travaux reprennent d'eux-mêmes.";
    /// CFT has given up sending a file of ours.
    TransferFailed = "transfer-failed",
        "CFT a renoncé à envoyer un fichier au partenaire.",
        "Lire le diagnostic du transfert dans CFT (CFTUTIL LISTCAT), puis l'y relancer : le fichier attend dans le dossier de travail ; ou déposer à nouveau le retour : navette return redeliver.";
    /// The clock has jumped.
    ClockJump = "clock-jump",
        "L'horloge de la machine a sauté : la purge refuse de s'exécuter.",
        "Vérifier l'heure de la machine, puis lancer navette purge --confirm-clock.";
    /// The daily purge failed.
    PurgeFailed = "purge-failed",
        "La purge quotidienne a échoué : des données dépassent leur durée de conservation.",
        "Lire le journal du service, puis lancer navette purge.";
    /// A daily batch of the hub failed.
    HubBatchFailed = "hub-batch-failed",
        "Un traitement quotidien du hub a échoué : des télédossiers dépassent leurs délais.",
        "Lire le journal du service, puis relancer : navette hubee purge, archive, delete ou activate.";
    /// An exchange cannot go on as a télédossier.
    ForwardFailed = "forward-failed",
        "Un échange accepté n'a pas pu être transmis au hub comme télédossier.",
        "Vérifier la démarche, ses formats et l'abonnement du destinataire (forward dans le fichier du projet), puis relancer : navette job retry.";
    /// A mail about an incident cannot be sent.
    MailFailed = "mail-failed",
        "Un courriel d'incident n'a pas pu être envoyé.",
        "Vérifier le serveur SMTP et les adresses des contacts, puis relancer : navette job retry.";
    /// The ticketing tool does not take an incident.
    TicketFailed = "ticket-failed",
        "Un incident n'a pas pu être poussé vers l'outil de tickets.",
        "Vérifier l'outil de tickets et son adresse, puis relancer : navette job retry.";
}
