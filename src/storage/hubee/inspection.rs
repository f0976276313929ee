//! What an inspection asks of the hub's rows, a range of folders at a time, as [`crate::storage::inspection`] does of the
//! others: each statement answers the folders of which something that must be there is not.

use crate::{statements, storage::inspection::Gap};

statements! {
    NO_FOLDER = "SELECT e.id FROM exchange e WHERE e.id > $1 AND e.id <= $2 AND e.kind = 'teledossier' AND e.status <> 'purged' \
        AND NOT EXISTS (SELECT 1 FROM hub_folder f WHERE f.id = e.id)";
    NO_EXCHANGE = "SELECT f.id FROM hub_folder f WHERE f.id > $1 AND f.id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = f.id AND e.status <> 'purged')";
    NO_ENTRY = "SELECT f.id FROM hub_folder f WHERE f.id > $1 AND f.id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.exchange_id = f.id AND j.kind = 'folder.created')";
    NO_CASE = "SELECT f.id FROM hub_folder f WHERE f.id > $1 AND f.id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM hub_case c WHERE c.folder_id = f.id)";
    NEVER_NOTIFIED = "SELECT f.id FROM hub_folder f WHERE f.id > $1 AND f.id <= $2 AND f.notified_at IS NULL \
        AND f.completed_at IS NOT NULL AND f.status <> 'HUBEE_COMPLETED'";
    NOT_COMPLETED = "SELECT f.id FROM hub_folder f WHERE f.id > $1 AND f.id <= $2 AND f.notified_at IS NOT NULL \
        AND EXISTS (SELECT 1 FROM hub_attachment a WHERE a.folder_id = f.id AND a.event_id IS NULL AND a.status = 'PENDING')";
    NO_BINARY = "SELECT a.folder_id FROM hub_attachment a WHERE a.folder_id > $1 AND a.folder_id <= $2 \
        AND a.status IN ('RECEIVED', 'SCANNING') AND NOT EXISTS (SELECT 1 FROM document d \
        WHERE d.id = a.document_id AND d.exchange_id = a.folder_id AND d.purged_at IS NULL AND d.size = a.size)";
    BINARY_LEFT = "SELECT a.folder_id FROM hub_attachment a JOIN document d ON d.id = a.document_id \
        WHERE a.folder_id > $1 AND a.folder_id <= $2 AND a.status = 'DELETED' AND d.purged_at IS NULL";
    NO_LINK = "SELECT a.folder_id FROM hub_attachment a WHERE a.folder_id > $1 AND a.folder_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM hub_case_attachment l WHERE l.attachment_id = a.id)";
    CASE_OF_NOTHING = "SELECT c.folder_id FROM hub_case c WHERE c.folder_id > $1 AND c.folder_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM hub_folder f WHERE f.id = c.folder_id)";
    ATTACHMENT_OF_NOTHING = "SELECT a.folder_id FROM hub_attachment a WHERE a.folder_id > $1 AND a.folder_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM hub_folder f WHERE f.id = a.folder_id)";
    LINK_OF_NOTHING = "SELECT l.folder_id FROM hub_case_attachment l WHERE l.folder_id > $1 AND l.folder_id <= $2 \
        AND (NOT EXISTS (SELECT 1 FROM hub_case c WHERE c.id = l.case_id) \
        OR NOT EXISTS (SELECT 1 FROM hub_attachment a WHERE a.id = l.attachment_id))";
    EVENT_OF_NOTHING = "SELECT v.folder_id FROM hub_event v WHERE v.folder_id > $1 AND v.folder_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM hub_case c WHERE c.id = v.case_id)";
    NOTIFICATION_OF_NOTHING = "SELECT n.folder_id FROM hub_notification n WHERE n.folder_id > $1 AND n.folder_id <= $2 \
        AND (NOT EXISTS (SELECT 1 FROM hub_case c WHERE c.id = n.case_id) \
        OR (n.event_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM hub_event v WHERE v.id = n.event_id)))";
}

/// Every check on the hub's rows.
pub(in crate::storage) const GAPS: &[(Gap, &str)] = &[
    (Gap::Folder, NO_FOLDER),
    (Gap::Exchange, NO_EXCHANGE),
    (Gap::JournalEntry, NO_ENTRY),
    (Gap::Folder, NO_CASE),
    (Gap::Folder, NEVER_NOTIFIED),
    (Gap::Folder, NOT_COMPLETED),
    (Gap::Attachment, NO_BINARY),
    (Gap::Attachment, BINARY_LEFT),
    (Gap::Attachment, NO_LINK),
    (Gap::FolderRow, CASE_OF_NOTHING),
    (Gap::FolderRow, ATTACHMENT_OF_NOTHING),
    (Gap::FolderRow, LINK_OF_NOTHING),
    (Gap::FolderRow, EVENT_OF_NOTHING),
    (Gap::FolderRow, NOTIFICATION_OF_NOTHING),
];
