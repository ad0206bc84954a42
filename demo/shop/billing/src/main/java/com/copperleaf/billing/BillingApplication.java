package com.copperleaf.billing;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class BillingApplication {

    public static void main(String[] arguments) {
        SpringApplication.run(BillingApplication.class, arguments);
    }
}
