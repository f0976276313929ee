//! Whose request is refused: as soon as its caller is known, whatever refuses it is journalled here, for every operation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::Api;
use crate::{
    domain::{access::Client, pieces::refusal},
    kernel::fault::Fault,
};

/// What was found out about the caller of a request; an extension of it.
#[derive(Clone, Default)]
pub struct Known(Arc<Mutex<Who>>);

#[derive(Default)]
struct Who {
    client: Option<Arc<Client>>,
    project: Option<String>,
}

impl Known {
    /// It is this client, active or not: its token says so.
    pub fn is(&self, client: &Arc<Client>) {
        self.who().client = Some(Arc::clone(client));
    }

    /// What it asks for is of that project.
    pub fn speaks_of(&self, project: &str) {
        self.who().project = Some(project.to_owned());
    }

    fn who(&self) -> MutexGuard<'_, Who> {
        // Two fields that are set one by one are sound whatever happened to the thread that set them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Journals the refusal of a known caller's request, before it is answered.
pub async fn journalled(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let known = Known::default();
    request.extensions_mut().insert(known.clone());
    let answer = next.run(request).await;
    let fault = answer.extensions().get::<Arc<Fault>>().map(Arc::clone);
    let who = std::mem::take(&mut *known.who());
    if let (Some(fault), Some(client)) = (fault, who.client) {
        refusal::journal(&api.ctx, &api.announced, &client, who.project, &fault).await;
    }
    answer
}
