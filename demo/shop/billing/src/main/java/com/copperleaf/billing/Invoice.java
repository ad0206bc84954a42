package com.copperleaf.billing;

import java.math.BigDecimal;
import java.time.LocalDate;

public record Invoice(long id, String number, String customer, BigDecimal total, LocalDate issued, Status status) {

    public enum Status { DRAFT, OPEN, PAID, CANCELLED }

    public boolean isOverdue(LocalDate today) {
        return status == Status.OPEN && issued.plusDays(30).isBefore(today);
    }
}
