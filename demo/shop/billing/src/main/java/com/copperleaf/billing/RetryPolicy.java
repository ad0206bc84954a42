package com.copperleaf.billing;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** How long to wait before the bank is asked again. */
public class RetryPolicy {

    private static final Duration FIRST = Duration.ofMillis(400);
    private static final Duration LONGEST = Duration.ofSeconds(30);

    public Duration before(int attempt) {
        long millis = Math.min(LONGEST.toMillis(), FIRST.toMillis() << Math.min(attempt, 10));
        return Duration.ofMillis(millis / 2 + ThreadLocalRandom.current().nextInt((int) (millis / 2) + 1));
    }

    public boolean allows(int attempt) {
        return attempt < 6;
    }
}
