//! Admission: the metadata of a sending, checked before its content is read.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    config::Project,
    domain::{Context, access::Client, exchanges::Metadata, ged::ProjectKeys, processing::sniff},
    kernel::fault::{Code, Fault, FieldFault, Result},
};

/// A sending whose metadata were accepted; its content is still unread.
pub struct Admission {
    pub(super) client: Arc<Client>,
    pub(super) project: Arc<Project>,
    pub(super) keys: Arc<ProjectKeys>,
    pub(super) metadata: Metadata,
}

/// Checks the metadata of a sending, with every fault of that stage in one answer.
pub async fn admit(ctx: &Context, client: Arc<Client>, metadata: Value) -> Result<Admission> {
    let (metadata, mut faults) = Metadata::read(metadata);
    let project = ctx.config.projects.get(&metadata.project).cloned();
    faults.extend(perimeter_faults(&client, &metadata, project.as_deref()));
    if let Some(project) = &project {
        faults.extend(project_faults(project, &metadata));
    }
    refuse(
        Code::MetadataInvalid,
        "Plusieurs métadonnées sont fautives : voir errors.",
        faults,
    )?;
    let project = project.ok_or_else(|| Fault::internal("an unknown project was admitted"))?;
    let keys = ctx.keyring.project(&project.name).await?;
    Ok(Admission {
        client,
        project,
        keys,
        metadata,
    })
}

impl Admission {
    /// The project that it names.
    pub fn project(&self) -> &str {
        &self.project.name
    }
}

/// Gathers the faults of a stage; one that concerns the perimeter gives its code to the whole.
pub(super) fn refuse(general: Code, summary: &str, faults: Vec<FieldFault>) -> Result<()> {
    let forbidden = faults
        .iter()
        .any(|fault| fault.code == Code::PerimeterForbidden);
    let general = if forbidden {
        Code::PerimeterForbidden
    } else {
        general
    };
    match Fault::gathered(general, summary, faults) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

fn perimeter_faults(
    client: &Client,
    metadata: &Metadata,
    project: Option<&Project>,
) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, code, detail: &str| {
        faults.push(FieldFault::new(format!("/metadata/{field}"), code, detail));
    };
    if project.is_none() && !metadata.project.is_empty() {
        fault("project", Code::UnknownProject, "Projet inconnu.");
    }
    if project.is_some() && !client.projects.contains(&metadata.project) {
        fault(
            "project",
            Code::PerimeterForbidden,
            "Projet hors du périmètre de ce client.",
        );
    }
    let application = &metadata.source_application;
    if !application.is_empty() && !client.source_applications.contains(application) {
        let detail = "Application source hors du périmètre de ce client.";
        fault("sourceApplication", Code::PerimeterForbidden, detail);
    }
    faults
}

fn project_faults(project: &Project, metadata: &Metadata) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if project.sae && metadata.hash.is_none() {
        let detail = "L'empreinte est obligatoire pour ce projet (SAE).";
        faults.push(FieldFault::new(
            "/metadata/hash",
            Code::HashRequired,
            detail,
        ));
    }
    if !metadata.media_type.is_empty() && !sniff::listed(&project.media_types, &metadata.media_type)
    {
        let detail = "Ce projet n'accepte pas ce type de document.";
        faults.push(FieldFault::new(
            "/metadata/mediaType",
            Code::MediaTypeNotAccepted,
            detail,
        ));
    }
    faults
}
