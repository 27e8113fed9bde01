//! Trees that go on for ever, and expressions that mean harm: they end, and others have their turn.

use crate::bench::{Bench, World, trail};
use model::limits::STEPS_PER_COMMIT_MAX;
use model::run::RunState;

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_go_in_circles_let_others_have_their_turn() {
    for store in testkit::both().await {
        let world = World { walkers: Some(2), ..World::default() };
        let bench = Bench::resting(&store, world).await;
        bench.tree("circle", &["a system_noop_v1", "start -> a", "a -> a"]).await;
        bench.tree("two", &["a utilities_echo_v1 input=x", "start -> a"]).await;
        let mut circles = Vec::new();
        for _ in 0..3 {
            circles.push(bench.start("circle").await);
        }
        let small = bench.start("two").await;
        bench.engine.run();
        let done = bench.until(small, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start a");
        // Before the small run was done, each of the three had its turn, and its next one at most.
        let last = done.tasks[1].id;
        for circle in circles {
            let detail = bench.detail(circle).await;
            assert_eq!(detail.run.state, RunState::Running);
            let before = detail.tasks.iter().filter(|task| task.id.0 < last.0).count();
            assert!(before <= 2 * STEPS_PER_COMMIT_MAX, "{before} nodes came first");
        }
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_expressions_are_stopped_and_the_error_names_node_and_parameter() {
    let long = format!("<%=~'{}'~%>", "x".repeat(model::limits::RUBY_SOURCE_BYTES_MAX));
    let hostile = [
        "<%~while~true;~end~%>",
        "<%=~('a'*40+'b').match?(/^(a|aa)+\\1$/)~%>",
        "<%=~'x'*2_000_000_000~%>",
        "<%~a=['x'];~while~true;~a+=a;~end~%>",
        "<%~def~f;~f;~end;~f~%>",
        &long,
    ];
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    for (number, text) in hostile.iter().enumerate() {
        let name = format!("hostile{number}");
        let echo = format!("bad utilities_echo_v1 input={text}");
        bench.tree(&name, &[&echo, "start -> bad"]).await;
        let run = bench.start(&name).await;
        let failed = bench.until(run, &[RunState::Error]).await;
        let error = &failed.errors[0];
        let shown = text.get(..40).unwrap_or(text);
        assert_eq!(error.kind, "Node Parameter Error", "{shown}: {}", error.text);
        assert_eq!(error.node_id.as_deref(), Some("bad"));
        assert!(error.summary.contains("\"bad\""), "{shown}: {}", error.summary);
        assert!(error.text.contains("Parameter \"input\""), "{shown}: {}", error.text);
    }
    bench.crash().await;
}
