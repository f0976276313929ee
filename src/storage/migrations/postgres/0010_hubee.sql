-- The hub. A folder is an exchange of the same id (kind `teledossier`, project `hubee`): what is sealed here opens under the
-- exchange's own key and goes with it, except the subscriptions, which have keys of their own. An organisation is `TYPE-SIRET-BRANCH`.
-- Codes, and texts by which lists are ordered, compare by bytes, as on SQLite.

-- A client is one organisation with one scope; `processes` is null where it is not limited to some.
CREATE TABLE hub_client (
    id text PRIMARY KEY,
    name text NOT NULL,
    organization text COLLATE "C" NOT NULL,
    environment text NOT NULL,
    scope text NOT NULL,
    processes jsonb,
    secret_sha256 bytea NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint
);

-- The referential: public administrations, nothing personal.
CREATE TABLE hub_organization (
    id text COLLATE "C" PRIMARY KEY,
    environment text NOT NULL,
    type text COLLATE "C" NOT NULL,
    company_register text COLLATE "C" NOT NULL,
    branch_code text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    code text COLLATE "C",
    country text COLLATE "C",
    postal_code text COLLATE "C" NOT NULL,
    territory text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    phone_number text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint
);
CREATE INDEX hub_organization_by_type ON hub_organization (type NULLS FIRST, id);
CREATE INDEX hub_organization_by_company ON hub_organization (company_register NULLS FIRST, id);
CREATE INDEX hub_organization_by_branch ON hub_organization (branch_code NULLS FIRST, id);
CREATE INDEX hub_organization_by_name ON hub_organization (name NULLS FIRST, id);
CREATE INDEX hub_organization_by_code ON hub_organization (code NULLS FIRST, id);
CREATE INDEX hub_organization_by_country ON hub_organization (country NULLS FIRST, id);
CREATE INDEX hub_organization_by_postal_code ON hub_organization (postal_code NULLS FIRST, id);
CREATE INDEX hub_organization_by_territory ON hub_organization (territory NULLS FIRST, id);
CREATE INDEX hub_organization_by_email ON hub_organization (email NULLS FIRST, id);
CREATE INDEX hub_organization_by_phone ON hub_organization (phone_number NULLS FIRST, id);
CREATE INDEX hub_organization_by_status ON hub_organization (status NULLS FIRST, id);
CREATE INDEX hub_organization_by_creation ON hub_organization (created_at NULLS FIRST, id);

-- `body` holds every field of the contract; the columns are those that are asked for.
CREATE TABLE hub_process (
    code text COLLATE "C" PRIMARY KEY,
    environment text NOT NULL,
    osl text COLLATE "C" NOT NULL,
    company_register text COLLATE "C" NOT NULL,
    activated boolean NOT NULL,
    body jsonb NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint
);
CREATE INDEX hub_process_by_osl ON hub_process (osl, code);
CREATE INDEX hub_process_by_company ON hub_process (company_register, code);

-- `sealed` holds mails, persons and the reason of a refusal under the subscription's own key, which the first key of the hub
-- wraps (it outlives the days); a delegated actor's mail is found by its keyed hash. `activation_due_at`: when it becomes active
-- by itself (R52).
CREATE TABLE hub_subscription (
    id uuid PRIMARY KEY,
    partner text NOT NULL,
    environment text NOT NULL,
    subscriber text COLLATE "C" NOT NULL,
    process_code text COLLATE "C" NOT NULL,
    datapass_id bigint NOT NULL,
    si_type text COLLATE "C" NOT NULL,
    si_company_register text COLLATE "C" NOT NULL,
    si_branch_code text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    frequency text COLLATE "C" NOT NULL,
    access_mode text COLLATE "C",
    activate_at bigint,
    validate_at bigint,
    reject_at bigint,
    end_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint,
    activation_due_at bigint,
    delegation_actor_hash bytea,
    wrapped_key bytea NOT NULL,
    sealed bytea NOT NULL,
    UNIQUE (subscriber, process_code)
);
CREATE INDEX hub_subscription_by_process ON hub_subscription (process_code NULLS FIRST, id);
CREATE INDEX hub_subscription_by_datapass ON hub_subscription (datapass_id NULLS FIRST, id);
CREATE INDEX hub_subscription_by_type ON hub_subscription (si_type NULLS FIRST, id);
CREATE INDEX hub_subscription_by_company ON hub_subscription (si_company_register NULLS FIRST, id);
CREATE INDEX hub_subscription_by_branch ON hub_subscription (si_branch_code NULLS FIRST, id);
CREATE INDEX hub_subscription_by_status ON hub_subscription (status NULLS FIRST, id);
CREATE INDEX hub_subscription_by_frequency ON hub_subscription (frequency NULLS FIRST, id);
CREATE INDEX hub_subscription_by_access ON hub_subscription (access_mode NULLS FIRST, id);
CREATE INDEX hub_subscription_by_activation ON hub_subscription (activate_at NULLS FIRST, id);
CREATE INDEX hub_subscription_by_validation ON hub_subscription (validate_at NULLS FIRST, id);
CREATE INDEX hub_subscription_by_rejection ON hub_subscription (reject_at NULLS FIRST, id);
CREATE INDEX hub_subscription_by_end ON hub_subscription (end_at NULLS FIRST, id);
CREATE INDEX hub_subscription_by_update ON hub_subscription (updated_at NULLS FIRST, id);
CREATE INDEX hub_subscription_by_delegate ON hub_subscription (delegation_actor_hash, id) WHERE delegation_actor_hash IS NOT NULL;
CREATE INDEX hub_subscription_due ON hub_subscription (activation_due_at, id) WHERE activation_due_at IS NOT NULL;

-- How many subscriptions there are of each process and status, so that no list counts them one by one.
CREATE TABLE hub_subscription_count (
    process_code text COLLATE "C" NOT NULL,
    status text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (process_code, status)
);

-- Applicant, external id and partner's software are sealed in the exchange's metadata. `external_hash` is the keyed hash of
-- the external id, and the exchange's `dossier_hash`. `completed_at`: when HUBEE_COMPLETED was asked; `notified_at`: when its
-- notifications were made, later where scans were awaited (R15b).
CREATE TABLE hub_folder (
    id uuid PRIMARY KEY,
    partner text NOT NULL,
    environment text NOT NULL,
    osl text COLLATE "C" NOT NULL,
    process_code text COLLATE "C" NOT NULL,
    external_hash bytea NOT NULL,
    status text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint,
    completed_at bigint,
    notified_at bigint,
    closed_at bigint,
    archived_at bigint,
    UNIQUE (osl, external_hash)
);
CREATE INDEX hub_folder_by_process ON hub_folder (process_code, id);
CREATE INDEX hub_folder_completed ON hub_folder (completed_at, id) WHERE status = 'HUBEE_COMPLETED';
CREATE INDEX hub_folder_closed ON hub_folder (process_code, closed_at, id) WHERE status = 'CLOSED';
CREATE INDEX hub_folder_archived ON hub_folder (process_code, archived_at, id) WHERE status = 'ARCHIVED';

-- `body` is sealed under the exchange's key: external id and partner attributes. `purge_at`: from when its links may be
-- removed (R23). `portal_pending`: it reached the purge status, and the portal has not purged all of its files (R25).
CREATE TABLE hub_case (
    id uuid PRIMARY KEY,
    folder_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    ordinal bigint NOT NULL,
    osl text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    process_code text COLLATE "C" NOT NULL,
    external_hash bytea NOT NULL,
    status text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint,
    transmitted_at bigint,
    closed_at bigint,
    purge_at bigint,
    portal_pending boolean NOT NULL DEFAULT false,
    body bytea NOT NULL
);
CREATE UNIQUE INDEX hub_case_by_folder ON hub_case (folder_id, ordinal);
CREATE INDEX hub_case_by_recipient ON hub_case (recipient, process_code, id);
CREATE INDEX hub_case_at_portal_by_id ON hub_case (id) WHERE portal_pending;
CREATE INDEX hub_case_at_portal ON hub_case (recipient, id) WHERE portal_pending;
CREATE INDEX hub_case_at_portal_by_osl ON hub_case (osl, id) WHERE portal_pending;

-- `body` is sealed under the exchange's key: file name and partner attributes. `event_id` is null for those of the folder
-- itself; `document_id` is the document that holds the present content. SCANNING: stored, and its antivirus verdict is awaited.
CREATE TABLE hub_attachment (
    id uuid PRIMARY KEY,
    folder_id uuid NOT NULL,
    event_id uuid,
    partner text NOT NULL,
    environment text NOT NULL,
    ordinal bigint NOT NULL,
    status text NOT NULL,
    kind text NOT NULL,
    size bigint NOT NULL,
    mime_type text NOT NULL,
    document_id uuid,
    created_at bigint NOT NULL,
    updated_at bigint,
    body bytea NOT NULL
);
CREATE INDEX hub_attachment_by_folder ON hub_attachment (folder_id, ordinal);
CREATE INDEX hub_attachment_by_event ON hub_attachment (event_id, ordinal) WHERE event_id IS NOT NULL;
CREATE INDEX hub_attachment_by_document ON hub_attachment (document_id) WHERE document_id IS NOT NULL;
CREATE INDEX hub_attachment_scanning ON hub_attachment (updated_at, id) WHERE status = 'SCANNING';

-- Which case may have which attachment: TO_DOWNLOAD, TO_DELETE from `delete_at` on, DELETED. An event's attachments are linked
-- to its case.
CREATE TABLE hub_case_attachment (
    attachment_id uuid NOT NULL,
    case_id uuid NOT NULL,
    folder_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    link_status text NOT NULL,
    delete_at bigint,
    portal_purged boolean NOT NULL DEFAULT false,
    PRIMARY KEY (attachment_id, case_id)
);
CREATE INDEX hub_case_attachment_by_case ON hub_case_attachment (case_id, attachment_id);
CREATE INDEX hub_case_attachment_by_folder ON hub_case_attachment (folder_id);
CREATE INDEX hub_case_attachment_due ON hub_case_attachment (delete_at, attachment_id) WHERE link_status = 'TO_DELETE';

-- `author` is the organisation that acted, `actor` its scope; `body` is sealed under the exchange's key: author's name, message,
-- comment, partner attributes and software. Oldest first is the order of their ids.
CREATE TABLE hub_event (
    id uuid PRIMARY KEY,
    folder_id uuid NOT NULL,
    case_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    author text COLLATE "C" NOT NULL,
    actor text NOT NULL,
    action_type text NOT NULL,
    status text NOT NULL,
    notification boolean NOT NULL,
    case_current_status text,
    case_new_status text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX hub_event_by_case ON hub_event (case_id, id);
CREATE INDEX hub_event_by_folder ON hub_event (folder_id);
CREATE INDEX hub_event_by_author ON hub_event (author);

-- What an organisation has not deleted yet: oldest first, by id.
CREATE TABLE hub_notification (
    id uuid PRIMARY KEY,
    partner text NOT NULL,
    environment text NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    transmitter text COLLATE "C" NOT NULL,
    process_code text COLLATE "C" NOT NULL,
    folder_id uuid NOT NULL,
    case_id uuid,
    event_id uuid,
    created_at bigint NOT NULL
);
CREATE INDEX hub_notification_by_recipient ON hub_notification (recipient, id);
CREATE INDEX hub_notification_by_process ON hub_notification (recipient, process_code, id);
CREATE INDEX hub_notification_by_folder ON hub_notification (folder_id);
CREATE INDEX hub_notification_by_event ON hub_notification (event_id) WHERE event_id IS NOT NULL;

-- What the next digest of a subscription tells; a row is gone once its mail is. A mail of its own is a job.
CREATE TABLE hub_mail (
    id uuid PRIMARY KEY,
    subscription_id uuid NOT NULL,
    case_id uuid NOT NULL,
    event_id uuid,
    partner text NOT NULL,
    environment text NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX hub_mail_by_subscription ON hub_mail (subscription_id, id);
CREATE INDEX hub_mail_by_case ON hub_mail (case_id);

-- What a run of a batch did: its line, inserted when it starts and updated when it ends, and ids in parts where they are many.
CREATE TABLE hub_report (
    id uuid PRIMARY KEY,
    environment text NOT NULL,
    batch text NOT NULL,
    dry_run boolean NOT NULL,
    run_by text NOT NULL,
    started_at bigint NOT NULL,
    ended_at bigint,
    fault text,
    body jsonb NOT NULL
);
CREATE INDEX hub_report_by_date ON hub_report (started_at, id);
CREATE INDEX hub_report_by_batch ON hub_report (batch, started_at, id);

CREATE TABLE hub_report_part (
    report_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (report_id, ordinal)
);

-- What stays of folders that were deleted: counts by day (days since 1970), and nothing that leads back.
CREATE TABLE hub_counter (
    day bigint NOT NULL,
    process_code text COLLATE "C" NOT NULL,
    osl text COLLATE "C" NOT NULL,
    folders bigint NOT NULL,
    cases bigint NOT NULL,
    attachments bigint NOT NULL,
    events bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (day, process_code, osl)
);

-- A piece or an archive that a project forwards to the hub, and the folder that it became.
CREATE TABLE hub_forward (
    exchange_id uuid PRIMARY KEY,
    partner text NOT NULL,
    environment text NOT NULL,
    project text NOT NULL,
    process_code text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    state text NOT NULL,
    folder_id uuid,
    created_at bigint NOT NULL,
    forwarded_at bigint
);
CREATE UNIQUE INDEX hub_forward_by_folder ON hub_forward (folder_id) WHERE folder_id IS NOT NULL;
