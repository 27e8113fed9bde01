//! What inspectors keep is bounded by count, bytes and age.

use model::Audit;
use model::id::{InspectionId, InspectorId, SpaceId};
use model::inspector::{Inspection, Inspector, SignatureCheck};
use model::space::Space;
use model::time::Micros;
use store::inspectors::{self, Bounds};
use store::{Store, Tx};

fn at(second: i64) -> Micros {
    Micros(second * 1_000_000)
}

fn inspector() -> Inspector {
    Inspector {
        id: InspectorId("i".to_owned()),
        space_id: SpaceId("s".to_owned()),
        name: "Look".to_owned(),
        token: "t".to_owned(),
        status: 200,
        headers: Vec::new(),
        body: String::new(),
        delay_ms: 0,
        last_request_at: None,
        audit: Audit::created(at(0), "admin"),
    }
}

fn space() -> Space {
    Space {
        id: SpaceId("s".to_owned()),
        slug: "s".to_owned(),
        name: "S".to_owned(),
        attributes: model::Attributes::new(),
        properties: model::Attributes::new(),
        version: 0,
        audit: Audit::created(at(0), "admin"),
    }
}

async fn record(store: &Store, second: i64, bytes: usize, bounds: Bounds) -> bool {
    let inspection = Inspection {
        id: InspectionId(format!("{second:04}")),
        inspector_id: InspectorId("i".to_owned()),
        space_id: SpaceId("s".to_owned()),
        at: at(second),
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: vec![0; bytes],
        size: 0,
        address: String::new(),
        job_id: None,
        signature: SignatureCheck { ok: false, reason: String::new() },
    };
    store.write(move |tx| inspectors::record(tx, &inspection, &bounds)).await.unwrap()
}

async fn kept(store: &Store) -> Vec<i64> {
    let read = |tx: &mut Tx| inspectors::requests(tx, &InspectorId("i".to_owned()), None, 100);
    let found = store.read(read).await.unwrap();
    found.iter().map(|found| found.at.0 / 1_000_000).collect()
}

#[tokio::test]
async fn the_oldest_requests_go_first() {
    for store in testkit::both().await {
        let fill = |tx: &mut Tx| {
            store::spaces::insert(tx, &space())?;
            inspectors::insert(tx, &inspector())
        };
        store.write(fill).await.unwrap();
        let wide = Bounds { count_max: 100, bytes_max: 1_000_000, oldest: at(0) };
        for second in 1..=5 {
            assert!(record(&store, second, 100, wide).await);
        }
        assert_eq!(kept(&store).await, [5, 4, 3, 2, 1]);
        assert!(record(&store, 6, 100, Bounds { count_max: 4, ..wide }).await);
        assert_eq!(kept(&store).await, [6, 5, 4, 3]);
        // Two bytes of each stand for its empty list of headers.
        assert!(record(&store, 7, 100, Bounds { bytes_max: 204, ..wide }).await);
        assert_eq!(kept(&store).await, [7, 6]);
        assert!(record(&store, 8, 1_000, Bounds { bytes_max: 10, ..wide }).await);
        assert_eq!(kept(&store).await, [8], "the newest one stays, whatever its size");
        assert!(record(&store, 9, 1, Bounds { oldest: at(9), ..wide }).await);
        assert_eq!(kept(&store).await, [9]);
        let purged = store.write(|tx| inspectors::purge(tx, None, at(10), 100)).await.unwrap();
        assert_eq!((purged, kept(&store).await), (1, vec![]));
        let gone = |tx: &mut Tx| {
            inspectors::delete(tx, &SpaceId("s".to_owned()), &InspectorId("i".to_owned()))
        };
        assert!(store.write(gone).await.unwrap());
        assert!(!record(&store, 10, 1, wide).await);
    }
}
