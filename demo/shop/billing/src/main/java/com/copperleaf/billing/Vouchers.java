package com.copperleaf.billing;

import java.util.Random;
import org.springframework.stereotype.Service;

/** Codes for credit that customers can spend in the shop. */
@Service
public class Vouchers {

    private static final String ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private static final int LENGTH = 12;

    public String newCode() {
        Random random = new Random();
        StringBuilder code = new StringBuilder(LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            code.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        return code.toString();
    }

    public boolean looksLikeCode(String text) {
        return text.length() == LENGTH && text.chars().allMatch(c -> ALPHABET.indexOf(c) >= 0);
    }
}
