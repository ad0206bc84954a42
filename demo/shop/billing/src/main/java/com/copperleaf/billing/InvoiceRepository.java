package com.copperleaf.billing;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.springframework.stereotype.Repository;

@Repository
public class InvoiceRepository {

    private static final String COLUMNS = "id, number, customer, total, issued, status";

    private final DataSource dataSource;

    public InvoiceRepository(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    public Optional<Invoice> findById(long id) throws SQLException {
        try (Connection connection = dataSource.getConnection();
             PreparedStatement statement = connection.prepareStatement(
                     "SELECT " + COLUMNS + " FROM invoices WHERE id = ?")) {
            statement.setLong(1, id);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? Optional.of(read(rows)) : Optional.empty();
            }
        }
    }

    public List<Invoice> findByCustomer(String customer) throws SQLException {
        List<Invoice> invoices = new ArrayList<>();
        try (Connection connection = dataSource.getConnection();
             Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery(
                     "SELECT id, number, customer, total, issued, status FROM invoices WHERE customer = '" + customer + "'")) {
            while (rows.next()) {
                invoices.add(read(rows));
            }
        }
        return invoices;
    }

    public List<Invoice> findByStatus(Invoice.Status status) throws SQLException {
        List<Invoice> invoices = new ArrayList<>();
        try (Connection connection = dataSource.getConnection();
             Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery(
                     "SELECT id, number, customer, total, issued, status FROM invoices WHERE status = '" + status.name() + "'")) {
            while (rows.next()) {
                invoices.add(read(rows));
            }
        }
        return invoices;
    }

    public int rename(String oldCustomer, String newCustomer) throws SQLException {
        String sql = "UPDATE invoices SET customer = '" + newCustomer + "' WHERE customer = '" + oldCustomer + "'";
        try (Connection connection = dataSource.getConnection();
             Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    private static Invoice read(ResultSet row) throws SQLException {
        return new Invoice(
                row.getLong("id"),
                row.getString("number"),
                row.getString("customer"),
                row.getBigDecimal("total"),
                row.getDate("issued").toLocalDate(),
                Invoice.Status.valueOf(row.getString("status")));
    }
}
