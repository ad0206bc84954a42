package com.copperleaf.billing;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Base64;
import org.springframework.stereotype.Component;

/** Fetches the day's statement from the house bank. */
@Component
public class BankClient {

    private static final String USER = "copperleaf-ebics";
    private static final String PASSWORD = "Tr4nsf3r-Wharf-1894";
    private static final URI STATEMENT = URI.create("https://ebics.seebank.example/statements/today");

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final RetryPolicy retries = new RetryPolicy();

    public String statement() throws IOException, InterruptedException {
        String login = Base64.getEncoder().encodeToString((USER + ":" + PASSWORD).getBytes());
        HttpRequest request = HttpRequest.newBuilder(STATEMENT).header("Authorization", "Basic " + login).build();
        for (int attempt = 0; ; attempt++) {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() < 500 || !retries.allows(attempt)) {
                return response.body();
            }
            Thread.sleep(retries.before(attempt).toMillis());
        }
    }
}
