//! A list as a JSON array, read from the database page by page as it leaves: its length is the client's to choose (R53), and
//! what stands in memory is its ids and one page. A short list is one page, and an ordinary answer.

use std::{collections::VecDeque, future::Future};

use axum::response::Response;
use http::HeaderValue;
use serde_json::Value;

use super::pages::{self, Pages};
use crate::{domain::hubee::Result, kernel::fault::Result as Kept};

/// How many items are read at once: as many as one statement over a set takes.
const PAGE: usize = 256;

/// Answers the items of `ids`, in their order; `page` reads some of them. What it does not find any more is left out. A fault
/// of the first page is an answer of its own, a later one breaks the answer off.
pub async fn array<I, F, R>(ids: Vec<I>, page: F) -> Result<Response>
where
    I: Send + 'static,
    F: FnMut(Vec<I>) -> R + Send + 'static,
    R: Future<Output = Kept<Vec<Value>>> + Send + 'static,
{
    let ids = in_pages(ids);
    Ok(pages::array(Known { ids, page }).await?)
}

/// The items of known ids, in pages.
struct Known<I, F> {
    ids: VecDeque<Vec<I>>,
    page: F,
}

impl<I, F, R> Pages for Known<I, F>
where
    I: Send + 'static,
    F: FnMut(Vec<I>) -> R + Send + 'static,
    R: Future<Output = Kept<Vec<Value>>> + Send + 'static,
{
    async fn next(&mut self) -> Kept<Vec<Value>> {
        // A page whose items are all gone meanwhile is passed over: only the last one is empty.
        while let Some(ids) = self.ids.pop_front() {
            let items = (self.page)(ids).await?;
            if !items.is_empty() {
                return Ok(items);
            }
        }
        Ok(Vec::new())
    }
}

fn in_pages<I>(ids: Vec<I>) -> VecDeque<Vec<I>> {
    let mut pages = VecDeque::with_capacity(ids.len().div_ceil(PAGE));
    let mut left = ids.into_iter();
    loop {
        let page: Vec<I> = left.by_ref().take(PAGE).collect();
        if page.is_empty() {
            return pages;
        }
        pages.push_back(page);
    }
}

/// `Content-Range`, as the contracts write it: `Subscriptions 0-24/100`; `Subscriptions */100` where the list shows none.
pub fn range(what: &str, offset: u64, shown: usize, total: u64) -> HeaderValue {
    let text = match shown {
        0 => format!("{what} */{total}"),
        _ => {
            let last = offset.saturating_add(shown as u64 - 1);
            format!("{what} {offset}-{last}/{total}")
        }
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;
    use crate::kernel::fault::Fault;

    async fn read(answer: Response) -> Option<Value> {
        let bytes = answer.into_body().collect().await.ok()?.to_bytes();
        serde_json::from_slice(&bytes).ok()
    }

    /// R53: a list without an upper bound is one array, whatever its length and whatever is gone meanwhile.
    #[tokio::test]
    async fn a_list_of_any_length_is_one_array_in_order() {
        for length in [0, 1, 255, 256, 257, 1000] {
            let ids: Vec<usize> = (0..length).collect();
            let page = |ids: Vec<usize>| async move {
                let kept = ids
                    .into_iter()
                    .filter(|id| !(300..600).contains(id) && *id > 0);
                Ok(kept.map(|id| json!(id)).collect())
            };
            let answer = array(ids, page).await.unwrap();
            let expected: Vec<usize> = (1..length).filter(|id| !(300..600).contains(id)).collect();
            assert_eq!(read(answer).await, Some(json!(expected)), "{length}");
        }
    }

    #[tokio::test]
    async fn a_list_that_breaks_off_is_no_array() {
        let page = |ids: Vec<usize>| async move {
            match ids.contains(&900) {
                true => Err(Fault::internal("gone")),
                false => Ok(ids.into_iter().map(|id| json!(id)).collect()),
            }
        };
        let answer = array((0..1200).collect(), page).await.unwrap();
        assert_eq!(read(answer).await, None);
        assert!(array(vec![900], page).await.is_err());
    }

    #[test]
    fn a_range_names_its_first_and_last_and_the_total() {
        assert_eq!(range("Subscriptions", 0, 25, 100), "Subscriptions 0-24/100");
        assert_eq!(
            range("Subscriptions", 99, 1, 100),
            "Subscriptions 99-99/100"
        );
        assert_eq!(range("Subscriptions", 200, 0, 100), "Subscriptions */100");
    }
}
