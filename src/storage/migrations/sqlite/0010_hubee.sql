-- The hub. A folder is an exchange of the same id (kind `teledossier`, project `hubee`): what is sealed here opens under the
-- exchange's own key and goes with it, except the subscriptions, which have keys of their own. An organisation is `TYPE-SIRET-BRANCH`.
-- Codes, and texts by which lists are ordered, compare by bytes, as on SQLite.

-- A client is one organisation with one scope; `processes` is null where it is not limited to some.
CREATE TABLE hub_client (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    organization TEXT NOT NULL,
    environment TEXT NOT NULL,
    scope TEXT NOT NULL,
    processes TEXT,
    secret_sha256 BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;

-- The referential: public administrations, nothing personal.
CREATE TABLE hub_organization (
    id TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    type TEXT NOT NULL,
    company_register TEXT NOT NULL,
    branch_code TEXT NOT NULL,
    name TEXT NOT NULL,
    code TEXT,
    country TEXT,
    postal_code TEXT NOT NULL,
    territory TEXT NOT NULL,
    email TEXT,
    phone_number TEXT,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
) WITHOUT ROWID;
CREATE INDEX hub_organization_by_type ON hub_organization (type, id);
CREATE INDEX hub_organization_by_company ON hub_organization (company_register, id);
CREATE INDEX hub_organization_by_branch ON hub_organization (branch_code, id);
CREATE INDEX hub_organization_by_name ON hub_organization (name, id);
CREATE INDEX hub_organization_by_code ON hub_organization (code, id);
CREATE INDEX hub_organization_by_country ON hub_organization (country, id);
CREATE INDEX hub_organization_by_postal_code ON hub_organization (postal_code, id);
CREATE INDEX hub_organization_by_territory ON hub_organization (territory, id);
CREATE INDEX hub_organization_by_email ON hub_organization (email, id);
CREATE INDEX hub_organization_by_phone ON hub_organization (phone_number, id);
CREATE INDEX hub_organization_by_status ON hub_organization (status, id);
CREATE INDEX hub_organization_by_creation ON hub_organization (created_at, id);

-- `body` holds every field of the contract; the columns are those that are asked for.
CREATE TABLE hub_process (
    code TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    osl TEXT NOT NULL,
    company_register TEXT NOT NULL,
    activated INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
) WITHOUT ROWID;
CREATE INDEX hub_process_by_osl ON hub_process (osl, code);
CREATE INDEX hub_process_by_company ON hub_process (company_register, code);

-- `sealed` holds mails, persons and the reason of a refusal under the subscription's own key, which the first key of the hub
-- wraps (it outlives the days); a delegated actor's mail is found by its keyed hash. `activation_due_at`: when it becomes active
-- by itself (R52).
CREATE TABLE hub_subscription (
    id BLOB PRIMARY KEY,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    process_code TEXT NOT NULL,
    datapass_id INTEGER NOT NULL,
    si_type TEXT NOT NULL,
    si_company_register TEXT NOT NULL,
    si_branch_code TEXT NOT NULL,
    status TEXT NOT NULL,
    frequency TEXT NOT NULL,
    access_mode TEXT,
    activate_at INTEGER,
    validate_at INTEGER,
    reject_at INTEGER,
    end_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER,
    activation_due_at INTEGER,
    delegation_actor_hash BLOB,
    wrapped_key BLOB NOT NULL,
    sealed BLOB NOT NULL,
    UNIQUE (subscriber, process_code)
);
CREATE INDEX hub_subscription_by_process ON hub_subscription (process_code, id);
CREATE INDEX hub_subscription_by_datapass ON hub_subscription (datapass_id, id);
CREATE INDEX hub_subscription_by_type ON hub_subscription (si_type, id);
CREATE INDEX hub_subscription_by_company ON hub_subscription (si_company_register, id);
CREATE INDEX hub_subscription_by_branch ON hub_subscription (si_branch_code, id);
CREATE INDEX hub_subscription_by_status ON hub_subscription (status, id);
CREATE INDEX hub_subscription_by_frequency ON hub_subscription (frequency, id);
CREATE INDEX hub_subscription_by_access ON hub_subscription (access_mode, id);
CREATE INDEX hub_subscription_by_activation ON hub_subscription (activate_at, id);
CREATE INDEX hub_subscription_by_validation ON hub_subscription (validate_at, id);
CREATE INDEX hub_subscription_by_rejection ON hub_subscription (reject_at, id);
CREATE INDEX hub_subscription_by_end ON hub_subscription (end_at, id);
CREATE INDEX hub_subscription_by_update ON hub_subscription (updated_at, id);
CREATE INDEX hub_subscription_by_delegate ON hub_subscription (delegation_actor_hash, id) WHERE delegation_actor_hash IS NOT NULL;
CREATE INDEX hub_subscription_due ON hub_subscription (activation_due_at, id) WHERE activation_due_at IS NOT NULL;

-- How many subscriptions there are of each process and status, so that no list counts them one by one.
CREATE TABLE hub_subscription_count (
    process_code TEXT NOT NULL,
    status TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (process_code, status)
) WITHOUT ROWID;

-- Applicant, external id and partner's software are sealed in the exchange's metadata. `external_hash` is the keyed hash of
-- the external id, and the exchange's `dossier_hash`. `completed_at`: when HUBEE_COMPLETED was asked; `notified_at`: when its
-- notifications were made, later where scans were awaited (R15b).
CREATE TABLE hub_folder (
    id BLOB PRIMARY KEY,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    osl TEXT NOT NULL,
    process_code TEXT NOT NULL,
    external_hash BLOB NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER,
    completed_at INTEGER,
    notified_at INTEGER,
    closed_at INTEGER,
    archived_at INTEGER,
    UNIQUE (osl, external_hash)
);
CREATE INDEX hub_folder_by_process ON hub_folder (process_code, id);
CREATE INDEX hub_folder_completed ON hub_folder (completed_at, id) WHERE status = 'HUBEE_COMPLETED';
CREATE INDEX hub_folder_closed ON hub_folder (process_code, closed_at, id) WHERE status = 'CLOSED';
CREATE INDEX hub_folder_archived ON hub_folder (process_code, archived_at, id) WHERE status = 'ARCHIVED';

-- `body` is sealed under the exchange's key: external id and partner attributes. `purge_at`: from when its links may be
-- removed (R23). `portal_pending`: it reached the purge status, and the portal has not purged all of its files (R25).
CREATE TABLE hub_case (
    id BLOB PRIMARY KEY,
    folder_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    osl TEXT NOT NULL,
    recipient TEXT NOT NULL,
    process_code TEXT NOT NULL,
    external_hash BLOB NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER,
    transmitted_at INTEGER,
    closed_at INTEGER,
    purge_at INTEGER,
    portal_pending INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX hub_case_by_folder ON hub_case (folder_id, ordinal);
CREATE INDEX hub_case_by_recipient ON hub_case (recipient, process_code, id);
CREATE INDEX hub_case_at_portal_by_id ON hub_case (id) WHERE portal_pending;
CREATE INDEX hub_case_at_portal ON hub_case (recipient, id) WHERE portal_pending;
CREATE INDEX hub_case_at_portal_by_osl ON hub_case (osl, id) WHERE portal_pending;

-- `body` is sealed under the exchange's key: file name and partner attributes. `event_id` is null for those of the folder
-- itself; `document_id` is the document that holds the present content. SCANNING: stored, and its antivirus verdict is awaited.
CREATE TABLE hub_attachment (
    id BLOB PRIMARY KEY,
    folder_id BLOB NOT NULL,
    event_id BLOB,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    status TEXT NOT NULL,
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    mime_type TEXT NOT NULL,
    document_id BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER,
    body BLOB NOT NULL
);
CREATE INDEX hub_attachment_by_folder ON hub_attachment (folder_id, ordinal);
CREATE INDEX hub_attachment_by_event ON hub_attachment (event_id, ordinal) WHERE event_id IS NOT NULL;
CREATE INDEX hub_attachment_by_document ON hub_attachment (document_id) WHERE document_id IS NOT NULL;
CREATE INDEX hub_attachment_scanning ON hub_attachment (updated_at, id) WHERE status = 'SCANNING';

-- Which case may have which attachment: TO_DOWNLOAD, TO_DELETE from `delete_at` on, DELETED. An event's attachments are linked
-- to its case.
CREATE TABLE hub_case_attachment (
    attachment_id BLOB NOT NULL,
    case_id BLOB NOT NULL,
    folder_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    link_status TEXT NOT NULL,
    delete_at INTEGER,
    portal_purged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (attachment_id, case_id)
) WITHOUT ROWID;
CREATE INDEX hub_case_attachment_by_case ON hub_case_attachment (case_id, attachment_id);
CREATE INDEX hub_case_attachment_by_folder ON hub_case_attachment (folder_id);
CREATE INDEX hub_case_attachment_due ON hub_case_attachment (delete_at, attachment_id) WHERE link_status = 'TO_DELETE';

-- `author` is the organisation that acted, `actor` its scope; `body` is sealed under the exchange's key: author's name, message,
-- comment, partner attributes and software. Oldest first is the order of their ids.
CREATE TABLE hub_event (
    id BLOB PRIMARY KEY,
    folder_id BLOB NOT NULL,
    case_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    author TEXT NOT NULL,
    actor TEXT NOT NULL,
    action_type TEXT NOT NULL,
    status TEXT NOT NULL,
    notification INTEGER NOT NULL,
    case_current_status TEXT,
    case_new_status TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX hub_event_by_case ON hub_event (case_id, id);
CREATE INDEX hub_event_by_folder ON hub_event (folder_id);
CREATE INDEX hub_event_by_author ON hub_event (author);

-- What an organisation has not deleted yet: oldest first, by id.
CREATE TABLE hub_notification (
    id BLOB PRIMARY KEY,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    recipient TEXT NOT NULL,
    transmitter TEXT NOT NULL,
    process_code TEXT NOT NULL,
    folder_id BLOB NOT NULL,
    case_id BLOB,
    event_id BLOB,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX hub_notification_by_recipient ON hub_notification (recipient, id);
CREATE INDEX hub_notification_by_process ON hub_notification (recipient, process_code, id);
CREATE INDEX hub_notification_by_folder ON hub_notification (folder_id);
CREATE INDEX hub_notification_by_event ON hub_notification (event_id) WHERE event_id IS NOT NULL;

-- What the next digest of a subscription tells; a row is gone once its mail is. A mail of its own is a job.
CREATE TABLE hub_mail (
    id BLOB PRIMARY KEY,
    subscription_id BLOB NOT NULL,
    case_id BLOB NOT NULL,
    event_id BLOB,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX hub_mail_by_subscription ON hub_mail (subscription_id, id);
CREATE INDEX hub_mail_by_case ON hub_mail (case_id);

-- What a run of a batch did: its line, inserted when it starts and updated when it ends, and ids in parts where they are many.
CREATE TABLE hub_report (
    id BLOB PRIMARY KEY,
    environment TEXT NOT NULL,
    batch TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    run_by TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    fault TEXT,
    body TEXT NOT NULL
);
CREATE INDEX hub_report_by_date ON hub_report (started_at, id);
CREATE INDEX hub_report_by_batch ON hub_report (batch, started_at, id);

CREATE TABLE hub_report_part (
    report_id BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (report_id, ordinal)
) WITHOUT ROWID;

-- What stays of folders that were deleted: counts by day (days since 1970), and nothing that leads back.
CREATE TABLE hub_counter (
    day INTEGER NOT NULL,
    process_code TEXT NOT NULL,
    osl TEXT NOT NULL,
    folders INTEGER NOT NULL,
    cases INTEGER NOT NULL,
    attachments INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (day, process_code, osl)
) WITHOUT ROWID;

-- A piece or an archive that a project forwards to the hub, and the folder that it became.
CREATE TABLE hub_forward (
    exchange_id BLOB PRIMARY KEY,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    project TEXT NOT NULL,
    process_code TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    folder_id BLOB,
    created_at INTEGER NOT NULL,
    forwarded_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX hub_forward_by_folder ON hub_forward (folder_id) WHERE folder_id IS NOT NULL;
