//! The machine's clock is set while deliveries are under way.

use crate::receiver::{Answer, Receiver};
use crate::world::World;
use model::job::State;
use serde_json::json;

const DAY_MS: i64 = 24 * 3_600_000;

#[tokio::test]
async fn a_clock_that_is_set_sends_nothing_twice_and_stalls_nothing() {
    for jump in [3_600_000, DAY_MS, -3_600_000, -DAY_MS] {
        for store in testkit::both().await {
            let world = World::new(&store).await;
            let hanging = Receiver::always(Answer::Hang).await;
            let good = Receiver::always(Answer::Status(200, "")).await;
            world.webhooks.deliver();
            world.webhook("hanging", "values('to') == 'hanging'", &hanging.url("/")).await;
            world.webhook("good", "values('to') == 'good'", &good.url("/")).await;
            world.submit(&json!({"to": "hanging"})).await;
            hanging.wait_for(1).await;
            world.runtime.set_clock_ms(jump);
            // By the time of day its lease is long over, or lasts for ever.
            for _ in 0..3 {
                world.runtime.advance_ms(1_000);
                world.webhooks.take_over();
                world.submit(&json!({"to": "good"})).await;
            }
            good.wait_for(3).await;
            world
                .until(|jobs| jobs.iter().filter(|j| j.state == State::Complete).count() == 3)
                .await;
            assert_eq!(hanging.hits().len(), 1, "{jump}: its own live job was claimed again");
            world.runtime.advance_ms(30_000);
            world.runtime.stop().await;
        }
    }
}
